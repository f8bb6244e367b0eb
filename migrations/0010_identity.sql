-- Who is who: names that compare without accents and order, numbers that are corrected, and where a call's number comes from.

-- Blind index of the name in its one form (folded words in alphabetical order) and the birth date. Names are sealed, so SQL cannot fill it in for rows of before:
-- `neurality migrate` and the bookings that follow do. It is not unique: before it, one person could be stored under two spellings.
ALTER TABLE patients ADD COLUMN name_index bytea CHECK (octet_length(name_index) = 32);
CREATE INDEX ON patients (tenant_id, name_index);
CREATE INDEX patients_not_indexed ON patients (tenant_id) WHERE name_index IS NULL;
GRANT UPDATE (name_index) ON patients TO neurality_app;

-- Corrections of a patient's data, by the idempotency key under which they ran. What it was and became is not written here.
CREATE TABLE patient_changes (
    tenant_id       uuid NOT NULL,
    idempotency_key bytea NOT NULL CHECK (octet_length(idempotency_key) = 32),
    call_id         uuid NOT NULL,
    patient_id      uuid NOT NULL,
    changed         text NOT NULL CHECK (changed IN ('phone')),
    executed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, idempotency_key),
    FOREIGN KEY (tenant_id, patient_id) REFERENCES patients
);
CREATE INDEX ON patient_changes (tenant_id, call_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON patient_changes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON patient_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CALL protect_tenant_table('patient_changes');
GRANT SELECT, INSERT ON patient_changes TO neurality_app;

-- What the network says of the caller's number, and who forwarded the call (sealed).
ALTER TABLE calls
    ADD COLUMN attestation    text NOT NULL DEFAULT 'unknown' CHECK (attestation IN ('verified', 'partial', 'unknown', 'failed')),
    ADD COLUMN forwarded_from bytea;
