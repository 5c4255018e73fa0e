//! What is told to Prometheus.

use velostream::server::StreamJobServer;

use super::kinds::{Bench, copy};

#[tokio::test(flavor = "multi_thread")]
async fn figures_have_the_promised_names_and_vanish_with_their_job() {
    let bench = Bench::new();
    bench.server.deploy(&format!("{};{}", copy("a"), copy("b"))).await.unwrap();
    bench.feeds.send("a", [1, 2, 3]);
    bench.heaps.wait("a", 3).await;
    let text = bench.server.metrics_text().unwrap();
    for line in [
        "# TYPE velo_job_sources_total gauge",
        "velo_job_sources_total{job=\"a\"} 1",
        "velo_job_sinks_total{job=\"a\"} 1",
        "# TYPE velo_job_source_records_total counter",
        "velo_job_source_records_total{job=\"a\",source=\"source_a\"} 3",
        "velo_job_sink_records_total{job=\"a\",sink=\"out_a\"} 3",
        "velo_job_source_records_total{job=\"b\",source=\"source_b\"} 0",
        "velo_job_source_connected{job=\"a\",source=\"source_a\"} 1",
        "velo_job_source_errors_total{job=\"a\",source=\"source_a\"} 0",
        "velo_job_sink_errors_total{job=\"a\",sink=\"out_a\"} 0",
        "velo_job_status{job=\"a\",status=\"Running\"} 1",
        "# TYPE velo_job_memory_bytes gauge",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in:\n{text}");
    }
    let names: std::collections::BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('{').next()).collect();
    for name in names {
        let help = text.lines().any(|line| line.starts_with(&format!("# HELP {name} ")) && line.ends_with('.'));
        assert!(help, "{name} says what it means");
    }
    bench.server.remove("a").await.unwrap();
    let text = bench.server.metrics_text().unwrap();
    assert!(!text.contains("job=\"a\"") && text.contains("job=\"b\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_monitoring_there_are_none() {
    let bench = Bench::with(|builder| builder.monitoring(false));
    bench.server.deploy(&copy("a")).await.unwrap();
    assert_eq!(bench.server.metrics_text().unwrap(), "");
}

#[test]
fn a_server_without_jobs_has_none() {
    let server = StreamJobServer::new_with_monitoring("", "mine", 3, true);
    assert_eq!(server.metrics_text().unwrap(), "", "there is no job");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_takes_the_figures_of_several_servers_that_have_names() {
    let registry = prometheus::Registry::new();
    let servers = ["one", "two"].map(|name| Bench::with(|builder| builder.name(name)));
    for bench in &servers {
        bench.server.deploy(&copy("a")).await.unwrap();
        bench.server.register_metrics(&registry).unwrap();
    }
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for name in ["one", "two"] {
        assert!(text.contains(&format!("velo_job_sources_total{{job=\"a\",server=\"{name}\"}} 1")), "{text}");
    }
    let registry = prometheus::Registry::new();
    let (first, second) = (Bench::new(), Bench::new());
    first.server.register_metrics(&registry).unwrap();
    let refused = second.server.register_metrics(&registry).unwrap_err().to_string();
    assert!(refused.contains("give each server of a registry a name of its own"), "{refused}");
}
