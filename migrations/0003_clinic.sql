-- What a clinic offers: places, people, hours, procedures, and what the plans pay. No patient data.
-- A practitioner's small number goes into slot ids, where 16 bytes of UUID would be too much for a model to copy.

CREATE TABLE locations (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    location_id uuid NOT NULL,
    name        text NOT NULL CHECK (name <> ''),
    address     text NOT NULL,
    PRIMARY KEY (tenant_id, location_id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE procedures (
    tenant_id uuid NOT NULL REFERENCES tenants,
    code      text NOT NULL CHECK (code ~ '^[A-Z0-9][A-Z0-9._-]{0,15}$'),
    name      text NOT NULL CHECK (name <> ''),
    minutes   smallint NOT NULL CHECK (minutes BETWEEN 5 AND 480),
    active    boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, code)
);

CREATE TABLE practitioners (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    provider_id uuid NOT NULL,
    location_id uuid NOT NULL,
    number      smallint NOT NULL CHECK (number > 0),
    name        text NOT NULL CHECK (name <> ''),
    active      boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, provider_id),
    UNIQUE (tenant_id, name),
    UNIQUE (tenant_id, number),
    FOREIGN KEY (tenant_id, location_id) REFERENCES locations
);

CREATE TABLE practitioner_procedures (
    tenant_id      uuid NOT NULL,
    provider_id    uuid NOT NULL,
    procedure_code text NOT NULL,
    PRIMARY KEY (tenant_id, provider_id, procedure_code),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES practitioners ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, procedure_code) REFERENCES procedures ON DELETE CASCADE
);

-- In the clinic's local time; weekday 1 is Monday. A lunch break is two rows.
CREATE TABLE working_hours (
    tenant_id   uuid NOT NULL,
    provider_id uuid NOT NULL,
    weekday     smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    opens       time NOT NULL,
    closes      time NOT NULL CHECK (opens < closes),
    PRIMARY KEY (tenant_id, provider_id, weekday, opens),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES practitioners ON DELETE CASCADE
);

CREATE TABLE insurance_plans (
    tenant_id uuid NOT NULL REFERENCES tenants,
    plan_id   uuid NOT NULL,
    payer     text NOT NULL CHECK (payer <> ''),
    plan      text NOT NULL CHECK (plan <> ''),
    aliases   text[] NOT NULL,
    PRIMARY KEY (tenant_id, plan_id),
    UNIQUE (tenant_id, payer, plan)
);

CREATE TABLE coverage_rules (
    tenant_id      uuid NOT NULL,
    plan_id        uuid NOT NULL,
    procedure_code text NOT NULL,
    covered        boolean NOT NULL,
    copay_cents    integer CHECK (copay_cents >= 0),
    note           text,
    PRIMARY KEY (tenant_id, plan_id, procedure_code),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES insurance_plans ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, procedure_code) REFERENCES procedures ON DELETE CASCADE
);

CALL protect_tenant_table('locations');
CALL protect_tenant_table('procedures');
CALL protect_tenant_table('practitioners');
CALL protect_tenant_table('practitioner_procedures');
CALL protect_tenant_table('working_hours');
CALL protect_tenant_table('insurance_plans');
CALL protect_tenant_table('coverage_rules');
GRANT SELECT ON locations, procedures, practitioners, practitioner_procedures, working_hours, insurance_plans, coverage_rules
    TO neurality_app;
