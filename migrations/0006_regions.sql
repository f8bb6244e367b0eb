-- Where a clinic's calls are served: by the workers of a region, through a LiveKit project of its own.
-- Both are names of the configuration; NULL is the pool's own. See docs/adr/0014-regions-and-projects.md.

ALTER TABLE tenants
    ADD COLUMN region text CHECK (region ~ '^[a-z][a-z0-9-]{0,31}$'),
    ADD COLUMN livekit_project text CHECK (livekit_project ~ '^[a-z][a-z0-9-]{0,31}$');
