//! Tenants as a call needs them.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use chrono::Weekday;

use super::{Db, StorageError, TenantTx};
use crate::{
    domain::{
        e164::E164,
        ids::TenantId,
        keyterms,
        opening_hours::{Opening, OpeningHours},
        phone::Home,
        tenant::{Procedure, TenantProfile, TransferDesk},
    },
    security::{Sealed, TenantSealer, WrappedKey},
};

/// A clinic with its keys; a cheap clone.
#[derive(Clone, Debug)]
pub struct Clinic {
    /// What a call knows of it.
    pub profile: Arc<TenantProfile>,
    /// Seals and opens its patients' data.
    pub sealer: TenantSealer,
    /// The numbers under which it is called.
    pub numbers: Arc<[E164]>,
}

impl Clinic {
    /// Whether a number is the clinic's own: a caller who shows it shows nothing of themselves.
    #[must_use]
    pub fn is_own(&self, number: &E164) -> bool {
        let desk = self.profile.transfer.as_ref().map(|desk| &desk.number);
        self.numbers.contains(number)
            || desk == Some(number)
            || self.profile.fallback_number.as_ref() == Some(number)
    }

    /// Where a phone number without a country belongs.
    #[must_use]
    pub fn home(&self) -> Home {
        self.numbers.first().map_or(Home::NorthAmerica, Home::of)
    }
}

impl Db {
    /// Whose number this is.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn resolve_number(&self, dialled: &E164) -> Result<Option<TenantId>, StorageError> {
        self.healed(|| async {
            let mut connection = self.pool.acquire().await?;
            let tenant = sqlx::query_scalar!("SELECT resolve_number($1)", dialled.as_str())
                .fetch_one(&mut *connection)
                .await?;
            Ok(tenant.map(TenantId::from))
        })
        .await
    }

    /// A clinic's profile; `None` if there is no such clinic.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn tenant_profile(
        &self,
        tenant: TenantId,
    ) -> Result<Option<TenantProfile>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            load_profile(&mut tx).await
        })
        .await
    }

    /// A clinic's keys.
    ///
    /// # Errors
    /// [`StorageError::NoKey`] if there is no such clinic.
    pub async fn sealer(&self, tenant: TenantId) -> Result<TenantSealer, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            self.load_sealer(&mut tx).await
        })
        .await
    }

    /// A clinic with its keys; `None` if there is no such clinic.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn clinic(&self, tenant: TenantId) -> Result<Option<Clinic>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let Some(profile) = load_profile(&mut tx).await? else {
                return Ok(None);
            };
            let sealer = self.load_sealer(&mut tx).await?;
            let numbers = load_numbers(&mut tx).await?;
            Ok(Some(Clinic {
                profile: Arc::new(profile),
                sealer,
                numbers: numbers.into(),
            }))
        })
        .await
    }

    async fn load_sealer(&self, tx: &mut TenantTx) -> Result<TenantSealer, StorageError> {
        let wrapped = load_keys(tx).await?;
        let keys = wrapped
            .iter()
            .map(|key| self.keyring.unwrap_key(tx.tenant(), key))
            .collect::<Result<Vec<_>, _>>()?;
        TenantSealer::new(tx.tenant(), &keys).ok_or(StorageError::NoKey)
    }
}

async fn load_numbers(tx: &mut TenantTx) -> Result<Vec<E164>, StorageError> {
    let numbers = sqlx::query_scalar!("SELECT number FROM phone_numbers ORDER BY number")
        .fetch_all(tx.connection())
        .await?;
    let number = |text: String| {
        text.parse()
            .map_err(|_| StorageError::Malformed("phone number"))
    };
    numbers.into_iter().map(number).collect()
}

/// The tenant's data keys, wrapped.
pub(super) async fn load_keys(tx: &mut TenantTx) -> Result<Vec<WrappedKey>, StorageError> {
    let rows = sqlx::query!("SELECT key_id, wrapped FROM tenant_keys ORDER BY key_id")
        .fetch_all(tx.connection())
        .await?;
    rows.into_iter()
        .map(|row| {
            let id = u32::try_from(row.key_id).map_err(|_| StorageError::Malformed("key id"))?;
            Ok(WrappedKey {
                id,
                wrapped: Sealed::from(row.wrapped),
            })
        })
        .collect()
}

async fn load_profile(tx: &mut TenantTx) -> Result<Option<TenantProfile>, StorageError> {
    let row = sqlx::query!(
        "SELECT name, time_zone, greeting, instructions, voice, fallback_number, transfer_number, max_concurrent_calls, max_calls_per_minute,
                region, livekit_project
         FROM tenants"
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(TenantProfile {
        id: tx.tenant(),
        name: row.name,
        time_zone: row
            .time_zone
            .parse()
            .map_err(|_| StorageError::Malformed("time zone"))?,
        greeting: row.greeting,
        instructions: row.instructions,
        voice: row.voice,
        fallback_number: parsed(row.fallback_number, "phone number")?,
        transfer: match parsed(row.transfer_number, "phone number")? {
            Some(number) => Some(TransferDesk {
                number,
                hours: load_transfer_hours(tx).await?,
            }),
            None => None,
        },
        region: parsed(row.region, "region")?,
        livekit_project: parsed(row.livekit_project, "livekit project")?,
        max_concurrent_calls: row.max_concurrent_calls.unsigned_abs(),
        max_calls_per_minute: row.max_calls_per_minute.unsigned_abs(),
        procedures: load_procedures(tx).await?,
        keyterms: load_keyterms(tx).await?,
    }))
}

fn parsed<T: FromStr>(text: Option<String>, kind: &'static str) -> Result<Option<T>, StorageError> {
    text.map(|text| text.parse().map_err(|_| StorageError::Malformed(kind)))
        .transpose()
}

async fn load_transfer_hours(tx: &mut TenantTx) -> Result<OpeningHours, StorageError> {
    let rows = sqlx::query!("SELECT weekday, opens, closes FROM transfer_hours")
        .fetch_all(tx.connection())
        .await?;
    let openings = rows.into_iter().map(|row| {
        let from_monday = u8::try_from(row.weekday - 1).ok();
        Ok(Opening {
            day: from_monday
                .and_then(|day| Weekday::try_from(day).ok())
                .ok_or(StorageError::Malformed("weekday"))?,
            opens: row.opens,
            closes: row.closes,
        })
    });
    openings
        .collect::<Result<Vec<_>, _>>()
        .map(OpeningHours::new)
}

async fn load_procedures(tx: &mut TenantTx) -> Result<BTreeMap<String, Procedure>, StorageError> {
    let rows = sqlx::query!("SELECT code, name, minutes FROM procedures WHERE active")
        .fetch_all(tx.connection())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                row.code,
                Procedure {
                    name: row.name,
                    minutes: row.minutes.unsigned_abs(),
                },
            )
        })
        .collect())
}

/// Practitioners, insurers and plans: names that a recogniser would not guess.
async fn load_keyterms(tx: &mut TenantTx) -> Result<Vec<String>, StorageError> {
    let terms = sqlx::query_scalar!(
        r#"SELECT name AS "term!" FROM practitioners WHERE active
           UNION SELECT payer FROM insurance_plans
           UNION SELECT plan FROM insurance_plans
           ORDER BY 1"#
    )
    .fetch_all(tx.connection())
    .await?;
    // A clinic that was saved by an older version may hold anything.
    Ok(keyterms::clean(terms))
}
