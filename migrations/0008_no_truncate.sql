-- What is only appended to cannot be emptied either: a row trigger does not see TRUNCATE.
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON phi_access_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON tool_executions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
