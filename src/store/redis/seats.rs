//! Seats of licenses in Redis: for each license of a space a sorted set of those on its seats,
//! by their start.

use std::sync::Arc;
use std::time::Duration;

use super::error::odd_answer;
use super::keys::{place_of, read_place};
use super::sessions::millis;
use super::store::RedisStore;
use crate::domain::Session;
use crate::store::{SeatClaim, SeatHolders, SeatStore, StoreError, StoreFuture};

/// After this time, one who sits and has no session is one whose node died before it came.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// For how long it is known that those have been counted who had a license before it was
/// limited, after the last login with it.
const COUNTED_MS: i64 = 86_400_000;

impl RedisStore {
    async fn claim_seat_now(&self, session: &Session, seats: u32) -> Result<SeatClaim, StoreError> {
        let Some([sitting, counted]) = self.seat_keys(session) else {
            return Ok(SeatClaim::Taken);
        };
        let mut script = self.scripts().seat.prepare_invoke();
        script
            .key(sitting)
            .key(counted)
            .arg(place_of(session))
            .arg(self.time().at(session.started_tick()))
            .arg(seats)
            .arg(self.ttl(session.space().lifetime().absolute))
            .arg(COUNTED_MS);
        let answer: String = self.link().run(&script).await?;
        match &*answer {
            "taken" => Ok(SeatClaim::Taken),
            "first" => Ok(SeatClaim::FirstTaken),
            "full" => Ok(SeatClaim::Full),
            _ => Err(odd_answer("seat")),
        }
    }

    async fn hold_seats_now(&self, sessions: &[Arc<Session>]) -> Result<(), StoreError> {
        let Some(first) = sessions.first() else {
            return Ok(());
        };
        let Some([sitting, _]) = self.seat_keys(first) else {
            return Ok(());
        };
        let mut add = ::redis::cmd("ZADD");
        add.arg(&sitting);
        for session in sessions {
            let started = self.time().at(session.started_tick());
            add.arg(started).arg(place_of(session));
        }
        self.link().ask::<i64>(&add).await?;
        // Who was there before may have left, and the time of the key with them.
        let mut keep = ::redis::cmd("PEXPIRE");
        keep.arg(&sitting);
        keep.arg(self.ttl(first.space().lifetime().absolute));
        keep.arg("NX");
        self.link().ask::<i64>(&keep).await?;
        // One that ended meanwhile has left before it was put here.
        for (session, now) in sessions.iter().zip(self.standing_now(sessions).await?) {
            if now != crate::store::Standing::Open {
                self.leave_seat_now(session).await?;
            }
        }
        Ok(())
    }

    async fn leave_seat_now(&self, session: &Session) -> Result<(), StoreError> {
        let Some([sitting, _]) = self.seat_keys(session) else {
            return Ok(());
        };
        let mut remove = ::redis::cmd("ZREM");
        remove.arg(sitting).arg(place_of(session));
        self.link().ask::<i64>(&remove).await.map(drop)
    }

    async fn seat_holders_now(
        &self,
        session: &Session,
        from: usize,
        limit: usize,
    ) -> Result<SeatHolders, StoreError> {
        let (Some([sitting, _]), 1..) = (self.seat_keys(session), limit) else {
            return Ok(SeatHolders::default());
        };
        let mut range = ::redis::cmd("ZRANGE");
        range.arg(&sitting).arg(from).arg(from + limit - 1);
        range.arg("WITHSCORES");
        let sitters: Vec<(Vec<u8>, f64)> = self.link().ask(&range).await?;
        let places = sitters.iter().map(|(member, _)| read_place(member));
        let places: Option<Vec<_>> = places.collect();
        let places = places.ok_or_else(|| odd_answer("ZRANGE"))?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds fit for ages")]
        let came_by = self.time().now().saturating_sub(millis(ON_ITS_WAY)) as f64;
        let (mut open, mut over) = (Vec::new(), Vec::new());
        let found = self.read_many(places).await?;
        for ((member, since), found) in sitters.iter().zip(found) {
            match found {
                Some(session) if session.end().is_none() => open.push(session),
                None if *since > came_by => {}
                _ => over.push(member),
            }
        }
        if !over.is_empty() {
            let mut remove = ::redis::cmd("ZREM");
            self.link()
                .ask::<i64>(remove.arg(&sitting).arg(&over))
                .await?;
        }
        Ok(SeatHolders {
            open,
            seen: sitters.len(),
            left: over.len(),
        })
    }

    /// Who sits on the seats of the session's license, and whether all are counted.
    fn seat_keys(&self, session: &Session) -> Option<[String; 2]> {
        let (space, license) = (session.space_id(), session.license()?);
        Some(["h", "c"].map(|what| self.keys().seats(space, what, license)))
    }
}

impl SeatStore for RedisStore {
    fn claim_seat(&self, session: &Arc<Session>, seats: u32) -> StoreFuture<'_, SeatClaim> {
        let session = Arc::clone(session);
        Box::pin(async move { self.claim_seat_now(&session, seats).await })
    }

    fn hold_seats(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.hold_seats_now(&sessions).await })
    }

    fn leave_seat(&self, session: &Arc<Session>) -> StoreFuture<'_, ()> {
        let session = Arc::clone(session);
        Box::pin(async move { self.leave_seat_now(&session).await })
    }

    fn seat_holders(
        &self,
        session: &Arc<Session>,
        from: usize,
        limit: usize,
    ) -> StoreFuture<'_, SeatHolders> {
        let session = Arc::clone(session);
        Box::pin(async move { self.seat_holders_now(&session, from, limit).await })
    }
}
