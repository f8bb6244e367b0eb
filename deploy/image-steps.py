#!/usr/bin/env python3
"""Runs the RUN steps of the Dockerfile without a container engine: in a clean folder that holds just what .dockerignore lets through.

    deploy/image-steps.py           the stage that fetches model files (seconds)
    deploy/image-steps.py --build   the release build too (minutes; the target folder is kept in target/image for the next time)

What only makes sense inside a base image (apt-get) is told and left out. At the end the product's stage is put together as the COPY lines say.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORK = ROOT / "target/image"


def main():
    stages = ["files", "build"] if "--build" in sys.argv[1:] else ["files"]
    dockerfile = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    for stage in stages:
        folder = context(stage)
        for step in steps(dockerfile, stage):
            run(stage, step, folder)
    for stage, source, destination in re.findall(r"COPY --from=(\w+) (\S+) (\S+)", dockerfile.split(" AS product")[1]):
        if stage in stages:
            put(stage, source, destination)


def context(stage):
    """The build's context: tracked files that .dockerignore does not drop, as `COPY . .` would bring them."""
    folder = WORK / stage
    kept = folder / "target"
    for path in folder.glob("*") if folder.exists() else []:
        if path != kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    files = subprocess.run(
        ["git", "ls-files", "--", *allowed], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def steps(dockerfile, stage):
    body = re.search(rf"\nFROM \S+ AS {stage}\n(.*?)(?=\nFROM |\Z)", dockerfile, re.S).group(1)
    return [
        re.sub(r"--mount=\S+\s+", "", line.removeprefix("RUN "))
        for line in body.splitlines()
        if line.startswith("RUN ")
    ]


def run(stage, step, folder):
    if "apt-get" in step:
        print(f"image: {stage}: left out, needs the base image: {step}", flush=True)
        return
    # /out is the one path outside the build's folder.
    step = step.replace("/out", str(WORK / "out"))
    print(f"image: {stage}: {step}", flush=True)
    subprocess.run(["sh", "-ec", step], cwd=folder, check=True)


def put(stage, source, destination):
    path = (
        WORK / "out" / source.removeprefix("/out/")
        if source.startswith("/out/")
        else WORK / stage / source.removeprefix("/build/")
    )
    target = WORK / "product" / destination.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)
    print(f"image: product: {destination}, {target.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
