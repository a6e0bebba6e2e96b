//! The list: a page for people, JSON for programs.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::device::device;
use super::{end, wire};
use crate::authn::AuthnRequest;
use crate::domain::{Session, Tick};
use crate::layer::Gate;
use crate::layer::client::accepts_html;
use crate::layer::pages::{self, Moment, Row, SessionsPage};
use crate::layer::reject::page;
use crate::sessions::FindQuery;
use crate::store::StoreError;

/// Sessions that are listed at most, beside the one that asks: the newest.
const MOST_LISTED: usize = 200;

impl Gate {
    pub(super) async fn list_own(
        &self,
        request: AuthnRequest<'_>,
        caller: &Arc<Session>,
    ) -> Result<Response<Bytes>, StoreError> {
        let query = FindQuery {
            space: Some(caller.space_id().clone()),
            user: Some(caller.user_key()),
            limit: MOST_LISTED,
            ..FindQuery::default()
        };
        let mut found = self.0.sessions.find(query).await?;
        if !found.sessions.iter().any(|s| s.id() == caller.id()) {
            found.sessions.push(Arc::clone(caller));
        }
        if accepts_html(&request.parts.headers) {
            let query = request.parts.uri.query().unwrap_or_default();
            let list = SessionsPage {
                title: &self.0.title,
                user: caller.user_name(),
                prefix: self.0.prefix.as_str(),
                notice: end::notice(query),
                rows: rows(&mut found.sessions, caller, self.0.sessions.now()),
                total: found.total,
            };
            return Ok(page(StatusCode::OK, pages::sessions(&list)));
        }
        Ok(wire::list(&found.sessions, caller, found.total))
    }
}

/// The one that asks first, then as they were active.
fn rows<'s>(sessions: &'s mut [Arc<Session>], caller: &Session, now: Tick) -> Vec<Row<'s>> {
    let is_current = |session: &Session| session.id() == caller.id();
    sessions.sort_by_key(|s| {
        let active = std::cmp::Reverse(s.last_active_tick());
        (!is_current(s), active, s.id())
    });
    let row = |session: &'s Arc<Session>| {
        let (started, active) = (session.started_at(), session.last_active());
        // By the clock that never steps: nothing was ever active in the future.
        let idle = now.since(session.last_active_tick());
        let age = idle.saturating_add(active.since(started));
        let client = session.client();
        Row {
            id: session.id(),
            device: device(client.user_agent.as_deref()),
            address: client.ip,
            method: session.method(),
            started: Moment::new(started, age),
            active: Moment::new(active, idle),
            is_current: is_current(session),
        }
    };
    sessions.iter().map(row).collect()
}
