//! Orders, all at once or at a pace, and how long each takes until another consumer sees it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrow::array::BinaryViewArray;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use velostream::kafka::{BatchProducer, ClientProperties, Outgoing, Payload};

use super::broker::PARTITIONS;

/// Columns of an order.
pub(crate) const SCHEMA: &str = "order_id BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, amount DOUBLE, status VARCHAR, ts VARCHAR, note VARCHAR";

/// One order of about 190 bytes; one in ten has no quantity.
pub(crate) fn order(id: u64, random: &mut StdRng) -> String {
    let (customer, product) = (random.random_range(0..10_000), random.random_range(0..1_000));
    let amount = f64::from(random.random_range(100..100_000)) / 100.0;
    let status = ["created", "paid", "shipped", "returned"][random.random_range(0..4)];
    let (day, hour, minute, second, micros) = (1 + id % 28, id / 3600 % 24, id / 60 % 60, id % 60, random.random_range(0..1_000_000));
    format!(
        "{{\"order_id\":{id},\"customer_id\":{customer},\"product_id\":{product},\"quantity\":{},\"amount\":{amount},\"status\":\"{status}\",\"ts\":\"2024-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z\",\"note\":\"left at the door of neighbour {}\"}}",
        id % 10,
        id % 1_000
    )
}

/// Writes `count` orders; the key is the customer's number.
pub(crate) fn fill(servers: &str, topic: &str, count: u64) {
    let mut properties = ClientProperties::default();
    for (name, value) in [("bootstrap.servers", servers), ("partitioner", "murmur2_random"), ("linger.ms", "20"), ("queue.buffering.max.messages", "100000")] {
        properties.set(name, value);
    }
    let mut producer = BatchProducer::open(&properties, topic, "bench".to_owned(), Default::default()).unwrap();
    let mut random = StdRng::seed_from_u64(3);
    for first in (0..count).step_by(10_000) {
        let mut values = Payload::default();
        for id in first..(first + 10_000).min(count) {
            values.bytes.extend_from_slice(order(id, &mut random).as_bytes());
            values.ends.push(values.bytes.len());
        }
        let keys = BinaryViewArray::from_iter_values((first..(first + 10_000).min(count)).map(|id| (id * 7_919 % 10_000).to_string()));
        producer.send(first + 1, Outgoing { values, keys: Some(keys), timestamps: None, headers: Vec::new() }, None);
        while producer.waits() {
            producer.poll(Duration::from_millis(10));
        }
        producer.take_settled();
    }
    while !producer.is_idle() {
        producer.poll(Duration::from_millis(10));
    }
    assert!(producer.take_settled().iter().all(|delivery| delivery.undelivered.is_empty()));
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

/// Times from producing to another consumer's hands, in microseconds, ascending.
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    /// The time within which a share of the messages came, in milliseconds.
    pub(crate) fn within(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share) as usize] as f64 / 1e3
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<u64>() as f64 / self.0.len() as f64 / 1e3
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// What is sent at a pace.
pub(crate) struct Pace<'a> {
    pub servers: &'a str,
    pub input: &'a str,
    pub output: &'a str,
    /// Messages a second.
    pub rate: u64,
    pub seconds: u64,
    /// A message with its number and the time of sending, which must come out as field `sent`.
    pub message: &'a (dyn Fn(u64, u64) -> Vec<u8> + Sync),
}

/// Sends at a pace and waits until everything has come out. Every message counts.
pub(crate) fn paced(pace: &Pace<'_>) -> Latencies {
    let total = pace.rate * pace.seconds;
    let (ready, sent_all, received) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| receive(pace, total, &ready, &sent_all, &received));
        while !ready.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // The job opens its topics and its group gets its partitions while single messages come.
        let producer = producer(pace);
        let send = |id: u64| {
            let message = (pace.message)(id, micros());
            let key = id.to_string();
            while producer.send(BaseRecord::to(pace.input).payload(&message).key(&key)).is_err() {
                std::thread::sleep(Duration::from_micros(200));
            }
        };
        let began = Instant::now();
        let mut warm = 0;
        while received.load(Ordering::Acquire) == 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing comes out");
            warm += 1;
            send(u64::MAX / 4 + warm);
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(Duration::from_millis(1_500));
        let began = Instant::now();
        for id in 0..total {
            let due = Duration::from_nanos(1_000_000_000 / pace.rate * id);
            let early = due.saturating_sub(began.elapsed());
            // The clients of the bench use the processors of what is measured: they wake once a millisecond, as a sender that collects what comes in.
            if early > Duration::from_millis(1) {
                std::thread::sleep(early);
            }
            send(id);
        }
        producer.flush(Duration::from_secs(30)).unwrap();
        let late = began.elapsed().as_secs_f64() / pace.seconds as f64;
        assert!(late < 1.1, "the producer of the bench could not keep the pace");
        sent_all.store(true, Ordering::Release);
        reader.join().unwrap()
    })
}

fn producer(pace: &Pace<'_>) -> ThreadedProducer<rdkafka::producer::DefaultProducerContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", pace.servers);
    // A request for each message at a high rate makes a queue of its own.
    config.set("linger.ms", if pace.rate > 2_000 { "1" } else { "0" });
    // Likewise any number of requests under way, which is the library's default.
    config.set("max.in.flight.requests.per.connection", "4");
    config.create().unwrap()
}

fn receive(pace: &Pace<'_>, total: u64, ready: &AtomicBool, sent_all: &AtomicBool, received: &AtomicU64) -> Latencies {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", pace.servers).set("group.id", "bench").set("enable.auto.commit", "false");
    // A broker answers a fetch as soon as there is a message; a short wait would only make it answer more.
    config.set("fetch.queue.backoff.ms", "1");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    (0..PARTITIONS).for_each(|partition| list.add_partition_offset(pace.output, partition, Offset::Beginning).unwrap());
    consumer.assign(&list).unwrap();
    ready.store(true, Ordering::Release);
    let mut latencies = Vec::with_capacity(total as usize);
    let mut last = Instant::now();
    while (latencies.len() as u64) < total {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            assert!(!sent_all.load(Ordering::Acquire) || last.elapsed() < Duration::from_secs(30), "{} of {total} messages came out", latencies.len());
            continue;
        };
        last = Instant::now();
        let Ok(message) = message else { continue };
        let payload = message.payload().unwrap();
        if number(payload, b"\"id\":") < total {
            latencies.push(micros().saturating_sub(number(payload, b"\"sent\":")));
        } else {
            received.fetch_add(1, Ordering::AcqRel);
        }
    }
    latencies.sort_unstable();
    Latencies(latencies)
}

fn number(payload: &[u8], name: &[u8]) -> u64 {
    let at = memchr::memmem::find(payload, name).unwrap() + name.len();
    payload[at..].iter().take_while(|byte| byte.is_ascii_digit()).fold(0, |number, byte| number * 10 + u64::from(byte - b'0'))
}
