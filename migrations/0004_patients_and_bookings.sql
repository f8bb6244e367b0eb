-- Patient data. Columns of type bytea are sealed (name, born, phone, reason, caller) or blind indexes (..._index, keyed hashes).

CREATE TABLE patients (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    patient_id   uuid NOT NULL,
    name         bytea NOT NULL,
    born         bytea NOT NULL,
    phone        bytea,
    person_index bytea NOT NULL CHECK (octet_length(person_index) = 32),
    phone_index  bytea CHECK (octet_length(phone_index) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, patient_id),
    UNIQUE (tenant_id, person_index)
);
CREATE INDEX ON patients (tenant_id, phone_index);

CREATE TABLE bookings (
    tenant_id         uuid NOT NULL REFERENCES tenants,
    booking_id        uuid NOT NULL,
    provider_id       uuid NOT NULL,
    patient_id        uuid NOT NULL,
    procedure_code    text NOT NULL,
    starts_at         timestamptz NOT NULL,
    ends_at           timestamptz NOT NULL CHECK (starts_at < ends_at),
    status            text NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'cancelled')),
    confirmation_code text NOT NULL CHECK (confirmation_code ~ '^[2-9A-HJ-NP-Z]{4}$'),
    reason            bytea,
    call_id           uuid NOT NULL,
    idempotency_key   bytea NOT NULL CHECK (octet_length(idempotency_key) = 32),
    created_at        timestamptz NOT NULL DEFAULT now(),
    changed_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, booking_id),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES practitioners,
    FOREIGN KEY (tenant_id, patient_id) REFERENCES patients,
    FOREIGN KEY (tenant_id, procedure_code) REFERENCES procedures,
    CONSTRAINT bookings_once UNIQUE (tenant_id, idempotency_key),
    CONSTRAINT bookings_no_overlap EXCLUDE USING gist
        (tenant_id WITH =, provider_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status = 'booked')
);
CREATE UNIQUE INDEX bookings_live_code ON bookings (tenant_id, confirmation_code) WHERE status = 'booked';
CREATE INDEX ON bookings (tenant_id, patient_id);

-- Each committed mutation of a booking, by the idempotency key under which it ran. `starts_at` with its practitioner is the slot that it took
-- (book, reschedule) or freed (cancel), `from_...` the slot that a reschedule left.
CREATE TABLE tool_executions (
    tenant_id        uuid NOT NULL,
    idempotency_key  bytea NOT NULL CHECK (octet_length(idempotency_key) = 32),
    call_id          uuid NOT NULL,
    tool             text NOT NULL CHECK (tool IN ('book_appointment', 'cancel_appointment', 'reschedule_appointment')),
    booking_id       uuid NOT NULL,
    provider_id      uuid NOT NULL,
    starts_at        timestamptz NOT NULL,
    from_provider_id uuid,
    from_starts_at   timestamptz,
    executed_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, idempotency_key),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings
);
CREATE INDEX ON tool_executions (tenant_id, call_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tool_executions FOR EACH ROW EXECUTE FUNCTION refuse_change();

CALL protect_tenant_table('patients');
CALL protect_tenant_table('bookings');
CALL protect_tenant_table('tool_executions');
GRANT SELECT, INSERT ON patients, bookings, tool_executions TO neurality_app;
GRANT UPDATE (phone, phone_index) ON patients TO neurality_app;
GRANT UPDATE (provider_id, starts_at, ends_at, status, changed_at) ON bookings TO neurality_app;
