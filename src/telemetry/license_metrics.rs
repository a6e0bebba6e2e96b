//! The use of licenses, read where it is counted.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::domain::LicenseUsage;

/// Says how licenses are used now.
pub(super) type LicenseSource = Box<dyn Fn() -> Vec<LicenseUsage> + Send + Sync>;

/// Asks the source at each scrape, once there is one.
#[derive(Clone, Default)]
pub(super) struct LicenseGauges(Arc<OnceLock<LicenseSource>>);

/// A gauge: its name, its help, and what it shows of a license.
type Shown = (&'static str, &'static str, fn(&LicenseUsage) -> Option<u64>);

const GAUGES: [Shown; 3] = [
    (
        "license_sessions",
        "Sessions open by the license they use; an empty one is none.",
        |usage| Some(usage.open),
    ),
    (
        "license_seats",
        "Sessions that may use a license at a time, where that is limited.",
        |usage| Some(usage.seats.as_ref()?.seats.into()),
    ),
    (
        "license_peak_today",
        "The most sessions open at a time by license since midnight UTC.",
        |usage| Some(usage.peak_today),
    ),
];

impl LicenseGauges {
    /// Asks `source` from now on, unless there is one already.
    pub(super) fn read_from(&self, source: LicenseSource) {
        // The first stays: there is one set of sessions in a process.
        let _ = self.0.set(source);
    }
}

impl Collector for LicenseGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all = self.0.get().map_or_else(Vec::new, |source| source());
        for (name, help, value) in GAUGES {
            let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for usage in &all {
                let Some(value) = value(usage) else { continue };
                let license = usage.license.as_deref().unwrap_or_default();
                gauge
                    .encode_family(&[("space", usage.space.as_str()), ("license", license)])?
                    .encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for LicenseGauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LicenseGauges")
            .field("has_source", &self.0.get().is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{LicenseUsage, LimitPolicy, SeatLimit, SpaceId};
    use crate::telemetry::Metrics;

    #[test]
    fn a_scrape_tells_how_licenses_are_used() {
        let metrics = Metrics::new();
        assert!(!metrics.encode().contains("license_sessions{"));
        let usage = |license: Option<&str>, seats: Option<u32>| LicenseUsage {
            space: SpaceId::new("1001").unwrap(),
            license: license.map(Into::into),
            open: 2,
            peak_today: 5,
            seats: seats.map(|seats| SeatLimit {
                license: "pro".into(),
                seats,
                policy: LimitPolicy::Refuse,
            }),
        };
        metrics.read_licenses(move || vec![usage(None, None), usage(Some("pro\"1"), Some(10))]);
        let text = metrics.encode();
        for line in [
            r#"gatepass_license_sessions{space="1001",license=""} 2"#,
            r#"gatepass_license_sessions{space="1001",license="pro\"1"} 2"#,
            r#"gatepass_license_seats{space="1001",license="pro\"1"} 10"#,
            r#"gatepass_license_peak_today{space="1001",license=""} 5"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("gatepass_license_seats{").count(), 1);
    }
}
