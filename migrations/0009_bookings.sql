-- Bookings by the rules that patients expect: codes that survive a telephone line, nobody in two chairs at once, nothing twice from one wish, limits,
-- and practitioners' time off. What was booked before stays as it is, also where it is against these rules.

-- Letters and digits alternate, each from a set whose sounds the telephone keeps apart. Codes of before have four characters.
ALTER TABLE bookings
    DROP CONSTRAINT bookings_confirmation_code_check,
    ADD CONSTRAINT bookings_confirmation_code_check
        CHECK (confirmation_code ~ '^([KLMRTWXY]([2-8][KLMRTWXY]){3}|[2-9A-HJ-NP-Z]{4})$');

ALTER TABLE bookings
    -- It may come on top of another of the same procedure: the caller confirmed it, or the procedure repeats.
    ADD COLUMN additional boolean NOT NULL DEFAULT false,
    -- It stood before these rules, and against them.
    ADD COLUMN predates_rules boolean NOT NULL DEFAULT false,
    -- Blind index of the number from which it was made.
    ADD COLUMN caller_index bytea CHECK (octet_length(caller_index) = 32);
CREATE INDEX ON bookings (tenant_id, call_id);
CREATE INDEX ON bookings (tenant_id, caller_index) WHERE status = 'booked';

-- Of two that contradict each other the later one is excused. The owner is bound by row level security, too, and has no tenant here.
ALTER TABLE bookings NO FORCE ROW LEVEL SECURITY;
UPDATE bookings b SET predates_rules = true
WHERE status = 'booked' AND EXISTS (
    SELECT FROM bookings o
    WHERE o.tenant_id = b.tenant_id AND o.patient_id = b.patient_id AND o.status = 'booked'
      AND (o.created_at, o.booking_id) < (b.created_at, b.booking_id)
      AND (tstzrange(o.starts_at, o.ends_at) && tstzrange(b.starts_at, b.ends_at)
           OR o.procedure_code = b.procedure_code
              AND tstzrange(least(o.created_at, o.starts_at), o.starts_at) && tstzrange(least(b.created_at, b.starts_at), b.starts_at)));
ALTER TABLE bookings FORCE ROW LEVEL SECURITY;

-- A patient is at one place at a time; and while an appointment lies ahead (from its making to its beginning), no second one for the same procedure is
-- made, unless the caller confirmed it. The transaction asks both before, to say what is in the way; these hold whatever it does.
ALTER TABLE bookings
    ADD CONSTRAINT bookings_patient_no_overlap EXCLUDE USING gist
        (tenant_id WITH =, patient_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status = 'booked' AND NOT predates_rules),
    ADD CONSTRAINT bookings_one_per_wish EXCLUDE USING gist
        (tenant_id WITH =, patient_id WITH =, procedure_code WITH =, tstzrange(least(created_at, starts_at), starts_at) WITH &&)
        WHERE (status = 'booked' AND NOT additional AND NOT predates_rules);

-- Of some procedures a patient has a series ahead, and nobody needs to ask.
ALTER TABLE procedures ADD COLUMN repeats boolean NOT NULL DEFAULT false;

-- Bookings that stand: per call, ahead per calling number, ahead per patient.
ALTER TABLE tenants
    ADD COLUMN max_bookings_per_call    smallint NOT NULL DEFAULT 5 CHECK (max_bookings_per_call > 0),
    ADD COLUMN max_bookings_per_caller  smallint NOT NULL DEFAULT 10 CHECK (max_bookings_per_caller > 0),
    ADD COLUMN max_bookings_per_patient smallint NOT NULL DEFAULT 5 CHECK (max_bookings_per_patient > 0);

-- A practitioner's time off; without a practitioner, the clinic is closed.
CREATE TABLE time_off (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    time_off_id uuid NOT NULL,
    provider_id uuid,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (starts_at < ends_at),
    PRIMARY KEY (tenant_id, time_off_id),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES practitioners ON DELETE CASCADE
);
CREATE INDEX ON time_off USING gist (tenant_id, tstzrange(starts_at, ends_at));
CALL protect_tenant_table('time_off');
GRANT SELECT ON time_off TO neurality_app;
