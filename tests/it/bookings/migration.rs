//! What was booked before migration 0009 stays.

use std::{fs, path::PathBuf};

use loadtest::stack::{Database, shared};

/// Migrations whose number fits, in order, as the owner runs them.
fn migrate(database: &Database, fits: impl Fn(u32) -> bool) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the migrations")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let number = |file: &PathBuf| -> u32 {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        name[..4].parse().expect("a number")
    };
    for file in files.iter().filter(|file| fits(number(file))) {
        let sql = fs::read_to_string(file).expect("a migration");
        run(database, &format!("SET ROLE neurality_owner; {sql}"));
    }
}

fn run(database: &Database, sql: &str) -> String {
    shared::postgres()
        .psql(database.name(), sql)
        .unwrap_or_else(|error| panic!("{error}\n{sql}"))
}

/// Bookings of one patient: procedure, beginning, code, when it was made. The second overlaps the first, the third the second; the fourth is for the
/// same procedure as the first; the fifth was made when all of it was over.
const OLD: &str = "
    SET session_replication_role = replica;
    INSERT INTO bookings (tenant_id, booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, confirmation_code, call_id, idempotency_key, created_at)
    SELECT '00000000-0000-0000-0000-000000000001', gen_random_uuid(), gen_random_uuid(), '00000000-0000-0000-0000-000000000007',
           procedure, starts::timestamptz, starts::timestamptz + interval '30 min', code, gen_random_uuid(), sha256(code::bytea), made::timestamptz
    FROM (VALUES ('D1', '2026-12-01 10:00Z', 'KXQP', '2026-11-01Z'),
                 ('D2', '2026-12-01 10:15Z', '2345', '2026-11-02Z'),
                 ('D3', '2026-12-01 10:40Z', 'MEND', '2026-11-03Z'),
                 ('D1', '2026-12-08 10:00Z', 'ABCD', '2026-11-04Z'),
                 ('D1', '2027-12-08 09:00Z', 'EFGH', '2027-01-09Z')) v (procedure, starts, code, made)";

#[tokio::test]
async fn bookings_of_before_survive_the_new_rules_also_where_they_contradict_them() {
    let database = shared::postgres().fresh_database().expect("database");
    migrate(&database, |number| number < 9);
    run(&database, OLD);
    migrate(&database, |number| number == 9);
    let kept = run(
        &database,
        "SELECT confirmation_code, predates_rules FROM bookings ORDER BY created_at",
    );
    let rows: Vec<&str> = kept.lines().collect();
    assert_eq!(rows, ["KXQP|f", "2345|t", "MEND|t", "ABCD|t", "EFGH|f"]);
    let forced = run(
        &database,
        "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'bookings'",
    );
    assert_eq!(
        forced.trim(),
        "t",
        "row level security binds the owner again"
    );
    // Calling off and moving what predates the rules goes on.
    run(
        &database,
        "SET session_replication_role = replica;
         UPDATE bookings SET status = 'cancelled' WHERE confirmation_code = '2345';
         UPDATE bookings SET starts_at = starts_at + interval '1 day', ends_at = ends_at + interval '1 day' WHERE confirmation_code = 'MEND'",
    );
}
