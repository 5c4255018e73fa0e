//! How far partitions were read, and how many messages wait.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::client::Client;
use rdkafka::{Offset, TopicPartitionList};
use rdkafka_sys as sys;

use super::assignment::PartitionId;
use super::context::Context;

/// Longest wait for the answer where a group begins, in milliseconds.
const LONGEST_WAIT: i32 = 200;

/// How far partitions were read, by their names.
pub(super) struct ReadProgress {
    /// The offset after the last message that was read.
    next: HashMap<Arc<str>, i64>,
    /// Where partitions begin of which nothing was read yet; less than 0 where the group has committed nothing.
    begins: HashMap<Arc<str>, i64>,
    /// A group that has committed nothing begins with what comes.
    from_latest: bool,
}

impl ReadProgress {
    pub(super) fn new(from_latest: bool) -> Self {
        Self { next: HashMap::new(), begins: HashMap::new(), from_latest }
    }

    /// A partition was taken away: others may read it on.
    pub(super) fn forget(&mut self, name: &str) {
        self.next.remove(name);
        self.begins.remove(name);
    }

    /// The offset that is expected next of a partition, if it is known. Where a group begins is asked, of all its partitions at once.
    pub(super) fn expected(&mut self, client: &Client<Context>, id: &PartitionId, owned: &[PartitionId], subscribes: bool) -> Option<i64> {
        if subscribes {
            self.find_begins(client, owned);
        }
        let name = id.name();
        self.next.get(&name).or_else(|| self.begins.get(&name)).copied().filter(|offset| *offset >= 0)
    }

    /// A partition is read from an offset on.
    pub(super) fn begins(&mut self, id: &PartitionId, offset: i64) {
        if offset >= 0 {
            self.begins.insert(id.name(), offset);
        }
    }

    /// A partition (its number) was read up to before an offset.
    pub(super) fn read(&mut self, read: Option<(usize, i64)>, partitions: &[(PartitionId, Arc<str>)]) {
        let Some((number, next)) = read else { return };
        let name = &partitions[number].1;
        match self.next.get_mut(name) {
            Some(known) => *known = next,
            None => {
                self.next.insert(Arc::clone(name), next);
            }
        }
    }

    /// A partition was passed up to before an offset; where it was read to before that, if it is news.
    pub(super) fn passes(&mut self, name: &Arc<str>, next: i64) -> Option<i64> {
        let known = self.next.get(name).or_else(|| self.begins.get(name).filter(|begin| **begin >= 0)).copied();
        if known.is_none_or(|known| known < next) {
            self.next.insert(Arc::clone(name), next);
        }
        known.filter(|known| *known < next)
    }

    /// For each partition the messages that wait, as far as the brokers have told. Where a group begins is asked once a partition.
    pub(super) fn lag(&mut self, client: &Client<Context>, owned: &[PartitionId], subscribes: bool) -> Vec<(Arc<str>, u64)> {
        if subscribes {
            self.find_begins(client, owned);
        }
        let mut lags = Vec::new();
        for id in owned {
            let (mut low, mut high) = (-1, -1);
            let Ok(topic) = std::ffi::CString::new(&*id.topic) else { continue };
            // SAFETY: client and name are alive.
            let code = unsafe { sys::rd_kafka_get_watermark_offsets(client.native_ptr(), topic.as_ptr(), id.partition, &mut low, &mut high) };
            if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 {
                let name = id.name();
                let begin = || self.begins.get(&name).filter(|begin| **begin >= 0);
                let otherwise = if self.from_latest { high } else { low.max(0) };
                let next = self.next.get(&name).or_else(begin).copied().unwrap_or(otherwise);
                lags.push((name, u64::try_from(high - next).unwrap_or(0)));
            }
        }
        lags
    }

    fn find_begins(&mut self, client: &Client<Context>, owned: &[PartitionId]) {
        let mut list = TopicPartitionList::new();
        for id in owned.iter().filter(|id| !self.next.contains_key(&id.name()) && !self.begins.contains_key(&id.name())) {
            list.add_partition(&id.topic, id.partition);
        }
        if list.count() == 0 {
            return;
        }
        // SAFETY: client and list are alive.
        let code = unsafe { sys::rd_kafka_committed(client.native_ptr(), list.ptr(), LONGEST_WAIT) };
        if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            for element in list.elements() {
                let offset = if let Offset::Offset(offset) = element.offset() { offset } else { -1 };
                let id = PartitionId { topic: Arc::from(element.topic()), partition: element.partition() };
                self.begins.insert(id.name(), offset);
            }
        }
    }
}
