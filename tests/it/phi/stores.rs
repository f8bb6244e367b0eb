//! Everything that Redis and Postgres hold, as bytes.

use std::{fmt::Write as _, time::Duration};

use redis::{AsyncCommands, Value, aio::MultiplexedConnection};
use tokio::{sync::oneshot, task::JoinSet};

use crate::support::world::World;

const EVERY: Duration = Duration::from_millis(300);

/// Reads a Redis database again and again: what a call keeps there is gone after it.
pub(crate) struct RedisWatch {
    stop: oneshot::Sender<()>,
    task: JoinSet<String>,
}

impl RedisWatch {
    pub(crate) async fn start(url: &str) -> Self {
        let client = redis::Client::open(url).expect("url");
        let mut redis = client
            .get_multiplexed_async_connection()
            .await
            .expect("redis");
        let (stop, mut stopped) = oneshot::channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut all = String::new();
            loop {
                let is_last = tokio::time::timeout(EVERY, &mut stopped).await.is_ok();
                dump(&mut redis, &mut all).await;
                if is_last {
                    return all;
                }
            }
        });
        Self { stop, task }
    }

    /// All that was read, a last time now.
    pub(crate) async fn stop(mut self) -> String {
        self.stop.send(()).expect("the watch runs");
        self.task
            .join_next()
            .await
            .expect("one task")
            .expect("the watch")
    }
}

async fn dump(redis: &mut MultiplexedConnection, all: &mut String) {
    let keys: Vec<Vec<u8>> = redis.keys("*").await.expect("keys");
    for key in keys {
        let kind: String = redis::cmd("TYPE")
            .arg(&key)
            .query_async(redis)
            .await
            .expect("type");
        let (read, rest): (&str, &[&str]) = match kind.as_str() {
            "string" => ("GET", &[]),
            "hash" => ("HGETALL", &[]),
            "list" => ("LRANGE", &["0", "-1"]),
            "set" => ("SMEMBERS", &[]),
            "zset" => ("ZRANGE", &["0", "-1", "WITHSCORES"]),
            "stream" => ("XRANGE", &["-", "+"]),
            // It expired between the two commands.
            "none" => continue,
            other => panic!("a {other} cannot be read yet"),
        };
        let value: Value = redis::cmd(read)
            .arg(&key)
            .arg(rest)
            .query_async(redis)
            .await
            .expect("value");
        writeln!(all, "{}", String::from_utf8_lossy(&key)).expect("string");
        flatten(&value, all);
    }
}

fn flatten(value: &Value, all: &mut String) {
    match value {
        Value::BulkString(bytes) => {
            all.push_str(&String::from_utf8_lossy(bytes));
            all.push('\n');
        }
        Value::Array(values) | Value::Set(values) => values.iter().for_each(|v| flatten(v, all)),
        Value::Map(pairs) => pairs.iter().for_each(|(k, v)| {
            flatten(k, all);
            flatten(v, all);
        }),
        other => writeln!(all, "{other:?}").expect("string"),
    }
}

/// Tables and partitions, from the catalogue: a new table is scanned by existing.
pub(crate) fn tables(world: &World) -> Vec<String> {
    let sql = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> '_sqlx_migrations' ORDER BY 1";
    world.sql(sql).lines().map(str::to_owned).collect()
}

/// All rows as text (`bytea` as hex), and the same without the column by which a booking is looked up and the hex.
pub(crate) fn postgres(world: &World) -> (String, String) {
    let (mut all, mut plain) = (String::new(), String::new());
    for table in tables(world) {
        all += &format!(
            "{table}: {}\n",
            world.sql(&format!("SELECT t::text FROM {table} t"))
        );
        let columns = world.sql(&format!(
            "SELECT string_agg(format('%I::text', column_name), ', ') FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{table}' AND data_type <> 'bytea' AND column_name <> 'confirmation_code'"
        ));
        plain += &format!(
            "{table}: {}\n",
            world.sql(&format!("SELECT {columns} FROM {table}"))
        );
    }
    (all, plain)
}
