-- Transfers: when the clinic's people are there, the way a call came, and what became of its transfer.

-- In the clinic's local time; weekday 1 is Monday. No row at all: somebody is always there.
CREATE TABLE transfer_hours (
    tenant_id uuid NOT NULL REFERENCES tenants,
    weekday   smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    opens     time NOT NULL,
    closes    time NOT NULL CHECK (opens < closes),
    PRIMARY KEY (tenant_id, weekday, opens)
);
CALL protect_tenant_table('transfer_hours');
GRANT SELECT ON transfer_hours TO neurality_app;

ALTER TABLE calls
    ADD COLUMN route           text NOT NULL DEFAULT 'webhook' CHECK (route IN ('webhook', 'trunk')),
    ADD COLUMN transferred_to  text CHECK (transferred_to ~ '^\+[1-9][0-9]{6,14}$'),
    ADD COLUMN transfer_result text
        CHECK (transfer_result IN ('accepted', 'no_answer', 'declined', 'abandoned', 'closed', 'failed'));
GRANT UPDATE (transferred_to, transfer_result) ON calls TO neurality_app;
