//! The demo's inputs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::error::{Error, Result};

const CUSTOMERS: u32 = 1_000;
const PRODUCTS: u32 = 200;
/// Orders are sent this often.
const TICK: Duration = Duration::from_millis(5);

const NAMES: [&str; 8] = ["Ada", "Bob", "Cyd", "Dina", "Emil", "Fay", "Gus", "Hana"];
const THINGS: [&str; 6] = ["lamp", "desk", "chair", "kettle", "shelf", "clock"];
const TIERS: [&str; 3] = ["gold", "silver", "bronze"];

/// Writes customers and products, and begins the file of orders.
pub(super) fn tables(folder: &Path) -> io::Result<()> {
    let mut random = StdRng::seed_from_u64(7);
    let mut customers = BufWriter::new(File::create(folder.join("customers.csv"))?);
    writeln!(customers, "id,name,tier")?;
    for id in 1..=CUSTOMERS {
        writeln!(customers, "{id},{} {id},{}", NAMES[random.random_range(0..NAMES.len())], TIERS[random.random_range(0..TIERS.len())])?;
    }
    customers.flush()?;
    let mut products = BufWriter::new(File::create(folder.join("products.json"))?);
    for id in 1..=PRODUCTS {
        let cents = random.random_range(99..20_000);
        writeln!(products, "{{\"id\":{id},\"name\":\"{} {id}\",\"price\":{}.{:02}}}", THINGS[random.random_range(0..THINGS.len())], cents / 100, cents % 100)?;
    }
    products.flush()
}

/// Most orders that wait to be read: the embedded Kafka forgets old messages.
const MOST_WAITING: u64 = 50_000;

/// Sends `rate` orders a second for `seconds` to the topic; every twentieth has a customer nobody knows, every fiftieth a quantity of zero. `read` tells how many have been read.
/// Returns the number of orders.
pub(super) fn orders(brokers: &str, topic: &str, rate: u32, seconds: u32, read: &dyn Fn() -> u64, stopped: &dyn Fn() -> bool) -> Result<u64> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("linger.ms", "5").set("queue.buffering.max.messages", "100000");
    let failed = |error: KafkaError| Error::internal("the demo's orders can't be sent").with_source(error);
    let producer: BaseProducer = config.create().map_err(failed)?;
    let mut random = StdRng::seed_from_u64(11);
    let began = Instant::now();
    let total = u64::from(rate) * u64::from(seconds);
    let mut sent = 0u64;
    while sent < total && !stopped() {
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64 + 1;
        let most = (read() + MOST_WAITING).min(due).min(total);
        while sent < most {
            let order = order(sent + 1, &mut random);
            let mut record = BaseRecord::to(topic).key(&order.0).payload(&order.1);
            while let Err((error, again)) = producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(failed(error));
                }
                producer.poll(TICK);
                record = again;
            }
            sent += 1;
        }
        producer.poll(Duration::ZERO);
        std::thread::sleep(TICK);
    }
    producer.flush(Duration::from_secs(10)).map_err(failed)?;
    Ok(sent)
}

/// The key and the value of an order.
fn order(number: u64, random: &mut StdRng) -> (String, String) {
    let customer = if number.is_multiple_of(20) { CUSTOMERS + 1 } else { random.random_range(1..=CUSTOMERS) };
    let quantity = if number.is_multiple_of(50) { 0 } else { random.random_range(1..=9) };
    let now = chrono::DateTime::<chrono::Utc>::from(SystemTime::now()).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let product = random.random_range(1..=PRODUCTS);
    let value = format!("{{\"order_id\":{number},\"customer_id\":{customer},\"product_id\":{product},\"quantity\":{quantity},\"ordered_at\":\"{now}\"}}");
    (number.to_string(), value)
}
