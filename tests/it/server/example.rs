//! The example of embedding does what it says.

use velostream::server::JobState;

#[allow(dead_code, unused_qualifications, reason = "its main function is for running it by itself")]
#[path = "../../../examples/embed.rs"]
mod embed;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_embedding_runs_to_its_end() {
    let (frost, readings, figures) = embed::run().await.unwrap();
    assert_eq!((frost.status, frost.reads.as_slice()), (JobState::Finished, &["readings".to_owned()][..]));
    assert_eq!((readings.metrics.records_processed, readings.sinks["screen"].records), (20, 20));
    let frosts = frost.metrics.records_processed;
    assert!((2..=20).contains(&frosts), "it reads from its deployment on: {frosts}");
    assert!(figures.contains(&format!("velo_job_source_records_total{{job=\"frost\",source=\"readings\"}} {frosts}\n")), "{figures}");
}
