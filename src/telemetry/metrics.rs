//! The registry of metrics and what a scrape is answered with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::handshakes::{self, Handshakes};
use super::histogram::Durations;
use super::license_metrics::LicenseGauges;
use super::store_metrics::StoreGauges;
use super::{SpaceMetrics, dropped_lines};
use crate::domain::{LicenseUsage, SpaceId, SpaceState, Timestamp};

/// Everything that is counted. Share one per process.
///
/// Labels are a space's id, a license, a method or a reason from a fixed set: their number is
/// bounded by the configuration, and nobody can read a user or a secret out of them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    families: Arc<Families>,
    spaces: Arc<Spaces>,
    licenses: LicenseGauges,
    reloads: Family<Labels<1>, Counter>,
    reloaded_at: Gauge,
    handshakes: handshakes::Family2,
    store: StoreGauges,
}

/// Label names and values.
type Labels<const N: usize> = [(&'static str, String); N];
type Spaces = DashMap<SpaceId, Arc<SpaceMetrics>>;

/// The metrics that a space has one or more of.
#[derive(Debug, Default)]
pub(super) struct Families {
    pub(super) requests: Family<Labels<2>, Counter>,
    pub(super) responses: Family<Labels<2>, Counter>,
    pub(super) durations: Family<Labels<1>, Durations>,
    pub(super) upgraded: Family<Labels<1>, Gauge>,
    pub(super) connect_errors: Family<Labels<1>, Counter>,
    pub(super) authentications: Family<Labels<3>, Counter>,
    pub(super) started: Family<Labels<1>, Counter>,
    pub(super) ended: Family<Labels<2>, Counter>,
}

impl Metrics {
    /// The content type of [`encode`](Self::encode)'s text.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Metrics with nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let families = Arc::new(Families::default());
        let spaces: Arc<Spaces> = Arc::default();
        let reloads: Family<Labels<1>, Counter> = Family::default();
        let reloaded_at = Gauge::default();
        let handshakes = handshakes::Family2::default();
        let mut registry = Registry::with_prefix("gatepass");
        let r = &mut registry;
        let f = &*families;
        r.register("requests", "Requests by how they went", f.requests.clone());
        r.register(
            "upstream_responses",
            "Upstream responses by class of status",
            f.responses.clone(),
        );
        r.register_with_unit(
            "request_duration",
            "Time from a request's head to its response's head",
            Unit::Seconds,
            f.durations.clone(),
        );
        r.register(
            "upgraded_connections",
            "Upgraded connections that are open",
            f.upgraded.clone(),
        );
        r.register(
            "upstream_connect_errors",
            "Connections to upstreams that could not be made",
            f.connect_errors.clone(),
        );
        r.register(
            "authentications",
            "Authentications by method and result",
            f.authentications.clone(),
        );
        r.register(
            "sessions_started",
            "Sessions that started on this node",
            f.started.clone(),
        );
        r.register(
            "sessions_ended",
            "Sessions that this node ended, by reason",
            f.ended.clone(),
        );
        r.register(
            "config_reloads",
            "Reloads of the configuration by result",
            reloads.clone(),
        );
        r.register_with_unit(
            "config_last_success_timestamp",
            "When a configuration was last taken, since 1970",
            Unit::Seconds,
            reloaded_at.clone(),
        );
        r.register(
            "tls_handshakes",
            "TLS handshakes by how they went",
            handshakes.clone(),
        );
        r.register_collector(Box::new(DroppedLogLines));
        r.register_collector(Box::new(OpenSessions(Arc::clone(&spaces))));
        let licenses = LicenseGauges::default();
        r.register_collector(Box::new(licenses.clone()));
        let store = StoreGauges::register(r);
        for result in [TAKEN, REFUSED] {
            drop(reloads.get_or_create(&[("result", result.to_owned())]));
        }
        Self {
            registry,
            families,
            spaces,
            licenses,
            reloads,
            reloaded_at,
            handshakes,
            store,
        }
    }

    /// Counts the TLS handshakes of the port called `port`.
    #[must_use]
    pub fn handshakes(&self, port: &'static str) -> Handshakes {
        Handshakes::new(&self.handshakes, port)
    }

    /// The handle for `space`: the same one every time for the same id.
    #[must_use]
    pub fn space(&self, space: &Arc<SpaceState>) -> Arc<SpaceMetrics> {
        if let Some(known) = self.spaces.get(space.id()).map(|m| Arc::clone(m.value())) {
            return known;
        }
        let new = || Arc::new(SpaceMetrics::new(&self.families, Arc::clone(space)));
        let entry = self.spaces.entry(space.id().clone()).or_insert_with(new);
        Arc::clone(entry.value())
    }

    /// Asks `source` at each scrape how licenses are used. The first source stays.
    pub fn read_licenses(&self, source: impl Fn() -> Vec<LicenseUsage> + Send + Sync + 'static) {
        self.licenses.read_from(Box::new(source));
    }

    /// Notes whether the session store is reached, how often it was lost, and for how long
    /// nothing has been heard of what other nodes did.
    pub fn store_is(&self, reached: bool, losses: u64, silence: Duration) {
        self.store.set(reached, losses, silence);
    }

    /// Notes how many nodes share the session store, this one included, how many changes this
    /// one has not read, and whether another has its name.
    pub fn fleet_is(&self, nodes: usize, behind: u64, name_taken: bool) {
        self.store.set_fleet(nodes, behind, name_taken);
    }

    /// Notes that a new configuration was taken, at start or on reload.
    pub fn config_taken(&self, at: Timestamp) {
        self.reloaded(TAKEN);
        self.reloaded_at.set(at.unix_seconds());
    }

    /// Notes that a new configuration was refused and the old one stays.
    pub fn config_refused(&self) {
        self.reloaded(REFUSED);
    }

    /// All metrics as OpenMetrics text, of the type [`CONTENT_TYPE`](Self::CONTENT_TYPE).
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("writing to a string cannot fail");
        out
    }

    fn reloaded(&self, result: &'static str) {
        self.reloads
            .get_or_create(&[("result", result.to_owned())])
            .inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads how many lines of the log nobody took.
#[derive(Debug)]
struct DroppedLogLines;

impl Collector for DroppedLogLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let dropped = u64::try_from(dropped_lines()).unwrap_or(u64::MAX);
        let counter = ConstCounter::new(dropped);
        let help = "Lines of the log that were dropped because nobody read it";
        let metric =
            encoder.encode_descriptor("log_lines_dropped", help, None, counter.metric_type())?;
        counter.encode(metric)
    }
}

/// Reads the number of open sessions where it is kept, instead of counting along.
#[derive(Debug)]
struct OpenSessions(Arc<Spaces>);

impl Collector for OpenSessions {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut gauge = encoder.encode_descriptor(
            "sessions_open",
            "Sessions in the table of this node: opened here, or used here since. Not to be added up over nodes: each shows those that it knows.",
            None,
            MetricType::Gauge,
        )?;
        for space in self.0.iter() {
            let open = i64::try_from(space.state().open()).unwrap_or(i64::MAX);
            gauge
                .encode_family(&[("space", space.key().as_str())])?
                .encode_gauge(&open)?;
        }
        Ok(())
    }
}

const TAKEN: &str = "taken";
const REFUSED: &str = "refused";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EndReason, Method, SessionPolicy};
    use crate::telemetry::Outcome;

    #[test]
    fn a_scrape_tells_what_was_recorded() {
        let metrics = Metrics::new();
        let state = SpaceState::new(SpaceId::new("1001").unwrap(), SessionPolicy::default());
        let space = metrics.space(&state);
        state.opened();
        space.request(Outcome::Live);
        space.request(Outcome::Live);
        metrics.space(&state).request(Outcome::Denied);
        space.response(204);
        space.response(0);
        space.response(999);
        space.duration(Duration::from_micros(1_000));
        space.duration(Duration::from_micros(1_001));
        space.duration(Duration::from_secs(3_600));
        space.connect_error();
        space.authentication(Method::Jwt, "expired");
        space.session_started();
        space.session_ended(EndReason::Terminated);
        let open = space.upgraded();
        let handshakes = metrics.handshakes("edge");
        handshakes.done(false);
        handshakes.done(true);
        metrics.handshakes("edge").done(true);
        handshakes.timed_out();
        metrics.config_taken(Timestamp::from_unix_millis(5_000));
        metrics.config_refused();

        let text = metrics.encode();
        for line in [
            r#"gatepass_requests_total{space="1001",outcome="live"} 2"#,
            r#"gatepass_requests_total{space="1001",outcome="denied"} 1"#,
            r#"gatepass_requests_total{space="1001",outcome="error"} 0"#,
            r#"gatepass_upstream_responses_total{space="1001",class="2xx"} 1"#,
            r#"gatepass_request_duration_seconds_bucket{le="0.001",space="1001"} 1"#,
            r#"gatepass_request_duration_seconds_bucket{le="0.002",space="1001"} 2"#,
            r#"gatepass_request_duration_seconds_bucket{le="60.0",space="1001"} 2"#,
            r#"gatepass_request_duration_seconds_bucket{le="+Inf",space="1001"} 3"#,
            r#"gatepass_request_duration_seconds_count{space="1001"} 3"#,
            r#"gatepass_upgraded_connections{space="1001"} 1"#,
            r#"gatepass_upstream_connect_errors_total{space="1001"} 1"#,
            r#"gatepass_authentications_total{space="1001",method="jwt",result="expired"} 1"#,
            r#"gatepass_sessions_started_total{space="1001"} 1"#,
            r#"gatepass_sessions_ended_total{space="1001",reason="terminated"} 1"#,
            r#"gatepass_sessions_open{space="1001"} 1"#,
            r#"gatepass_config_reloads_total{result="taken"} 1"#,
            r#"gatepass_config_reloads_total{result="refused"} 1"#,
            r#"gatepass_tls_handshakes_total{port="edge",result="full"} 1"#,
            r#"gatepass_tls_handshakes_total{port="edge",result="resumed"} 2"#,
            r#"gatepass_tls_handshakes_total{port="edge",result="timed-out"} 1"#,
            r#"gatepass_tls_handshakes_total{port="edge",result="failed"} 0"#,
            "gatepass_config_last_success_timestamp_seconds 5",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        drop(open);
        assert!(
            metrics
                .encode()
                .contains(r#"gatepass_upgraded_connections{space="1001"} 0"#)
        );
    }
}
