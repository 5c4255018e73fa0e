//! The demo's inputs.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const CUSTOMERS: u32 = 1_000;
const PRODUCTS: u32 = 200;
/// Orders are appended this often.
const TICK: Duration = Duration::from_millis(50);

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
    products.flush()?;
    fs::write(folder.join("orders.jsonl"), "")
}

/// Appends `rate` orders a second for `seconds`; every twentieth has a customer nobody knows, every fiftieth a quantity of zero. Returns the number of orders.
pub(super) fn orders(file: &Path, rate: u32, seconds: u32, stopped: &dyn Fn() -> bool) -> io::Result<u64> {
    let mut random = StdRng::seed_from_u64(11);
    let mut out = File::options().append(true).open(file)?;
    let began = Instant::now();
    let total = u64::from(rate) * u64::from(seconds);
    let mut written = 0u64;
    while written < total && !stopped() {
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64 + 1;
        let mut lines = String::new();
        while written < due.min(total) {
            written += 1;
            let customer = if written.is_multiple_of(20) { CUSTOMERS + 1 } else { random.random_range(1..=CUSTOMERS) };
            let quantity = if written.is_multiple_of(50) { 0 } else { random.random_range(1..=9) };
            let now = chrono::DateTime::<chrono::Utc>::from(SystemTime::now()).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            let product = random.random_range(1..=PRODUCTS);
            lines.push_str(&format!(
                "{{\"order_id\":{written},\"customer_id\":{customer},\"product_id\":{product},\"quantity\":{quantity},\"ordered_at\":\"{now}\"}}\n"
            ));
        }
        out.write_all(lines.as_bytes())?;
        std::thread::sleep(TICK);
    }
    Ok(written)
}
