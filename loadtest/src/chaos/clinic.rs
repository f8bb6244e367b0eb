//! A clinic with room for everybody who calls during a chaos run.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_yaml_ng::Value;

use crate::{product::Product, stack::workspace_root};

/// Practitioners who do nothing but cleanings, at all hours.
const HYGIENISTS: usize = 40;

/// Writes Maple Dental with many hygienists to `folder`; returns the file.
///
/// # Errors
/// The seeded clinic cannot be read, or the file cannot be written.
pub(super) fn write(folder: &Path) -> anyhow::Result<PathBuf> {
    let seeded = workspace_root().join("loadtest/tenants/maple-dental.yaml");
    let text =
        std::fs::read_to_string(&seeded).with_context(|| format!("read {}", seeded.display()))?;
    let mut clinic: Value = serde_yaml_ng::from_str(&text).context("read the seeded clinic")?;
    clinic["max_concurrent_calls"] = 1_000.into();
    clinic["max_calls_per_minute"] = 6_000.into();
    // The corpus knows two patients by name; each has a series of cleanings, and is somebody else in the next call (`people`).
    let limits = "{per_call: 5, per_caller: 255, per_patient: 255}";
    clinic["booking_limits"] = serde_yaml_ng::from_str(limits)?;
    clinic["procedures"][0]["repeats"] = true.into();
    let practitioners = clinic["practitioners"]
        .as_sequence_mut()
        .context("the seeded clinic has no practitioners")?;
    for number in 0..HYGIENISTS {
        practitioners.push(hygienist(number)?);
    }
    let path = folder.join("chaos-clinic.yaml");
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    std::fs::write(&path, serde_yaml_ng::to_string(&clinic)?)
        .with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

/// Makes whoever gives a name that an ended call gave another person of that name: else the two patients of the corpus would soon be booked at all hours.
/// While a call lives nothing is touched, so that what is repeated after a fault finds what was done before it.
///
/// # Errors
/// The database does not answer.
pub(super) fn people(product: &Product) -> anyhow::Result<()> {
    product
        .sql(ANOTHER_OF_THAT_NAME)
        .context("part the patients of ended calls")?;
    Ok(())
}

const ANOTHER_OF_THAT_NAME: &str = "
    CREATE OR REPLACE FUNCTION another_of_that_name() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
        booking record;
        another patients%ROWTYPE;
    BEGIN
        FOR booking IN SELECT booking_id, patient_id FROM bookings WHERE tenant_id = NEW.tenant_id AND call_id = NEW.call_id LOOP
            SELECT * INTO another FROM patients WHERE tenant_id = NEW.tenant_id AND patient_id = booking.patient_id;
            another.patient_id := gen_random_uuid();
            another.person_index := sha256(uuid_send(another.patient_id));
            INSERT INTO patients VALUES (another.*);
            UPDATE bookings SET patient_id = another.patient_id WHERE tenant_id = NEW.tenant_id AND booking_id = booking.booking_id;
        END LOOP;
        RETURN NULL;
    END
    $$;
    CREATE OR REPLACE TRIGGER another_of_that_name AFTER UPDATE OF ended_at ON calls FOR EACH ROW EXECUTE FUNCTION another_of_that_name()";

fn hygienist(number: usize) -> anyhow::Result<Value> {
    // A name that the agent can say: "Robin B. Avery".
    let (first, last) = (number / 26, number % 26);
    let name = format!(
        "{} {}. Avery",
        ["Robin", "Morgan"][first % 2],
        char::from(b'A' + last as u8)
    );
    let text = format!(
        "{{name: {name}, location: Maple Street, procedures: [D1110], \
           hours: [{{days: [mon, tue, wed, thu, fri], opens: '08:00', closes: '18:00'}}]}}"
    );
    Ok(serde_yaml_ng::from_str(&text)?)
}
