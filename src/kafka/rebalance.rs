//! What a consumer's group tells it: partitions that come and go, offsets that were committed. Called by the client library while it is polled.

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use rdkafka::Offset;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka_sys as sys;

use super::assignment::PartitionId;
use super::context::Context;
use super::fault::describe;

/// Partitions come or go.
pub(super) unsafe extern "C" fn rebalance_callback(
    client: *mut sys::rd_kafka_t,
    code: sys::rd_kafka_resp_err_t,
    list: *mut sys::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: clients with this callback are made with a `Context`, and list and texts live during the callback.
    unsafe {
        let Some(context) = Context::of(opaque) else { return };
        // A member that gets no partition yet is given a list without elements.
        let elements: &mut [sys::rd_kafka_topic_partition_t] = match usize::try_from((*list).cnt) {
            Ok(count) if count > 0 && !(*list).elems.is_null() => std::slice::from_raw_parts_mut((*list).elems, count),
            _ => &mut [],
        };
        let cooperative = CStr::from_ptr(sys::rd_kafka_rebalance_protocol(client)).to_bytes() == b"COOPERATIVE";
        let id = |element: &sys::rd_kafka_topic_partition_t| PartitionId {
            topic: Arc::from(CStr::from_ptr(element.topic).to_string_lossy()),
            partition: element.partition,
        };
        let assigns = code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let error = {
            let mut assignment = context.assignment.lock();
            for element in elements.iter_mut() {
                if assigns {
                    if let Some(offset) = assignment.assigned(id(element)).and_then(Offset::to_raw) {
                        element.offset = offset;
                    }
                } else {
                    assignment.revoked(&id(element));
                }
            }
            drop(assignment);
            match (assigns, cooperative) {
                (true, true) => sys::rd_kafka_incremental_assign(client, list),
                (false, true) => sys::rd_kafka_incremental_unassign(client, list),
                (true, false) => {
                    sys::rd_kafka_assign(client, list);
                    std::ptr::null_mut()
                }
                (false, false) => {
                    sys::rd_kafka_assign(client, std::ptr::null());
                    std::ptr::null_mut()
                }
            }
        };
        context.changed();
        if !error.is_null() {
            tracing::warn!("{}: {}", context.place, CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy());
            sys::rd_kafka_error_destroy(error);
        }
        let count = elements.len();
        if count == 0 {
            return;
        }
        tracing::info!("{}: {count} partitions {}", context.place, if assigns { "assigned" } else { "revoked" });
    }
}

/// Offsets were committed, or not.
pub(super) unsafe extern "C" fn commit_callback(
    _: *mut sys::rd_kafka_t,
    code: sys::rd_kafka_resp_err_t,
    _: *mut sys::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: as above.
    let Some(context) = (unsafe { Context::of(opaque) }) else { return };
    match Code::from(code) {
        Code::NoError | Code::NoOffset => {}
        code => {
            context.assignment.lock().not_committed();
            context.note(&format!("offsets were not committed: {}; they are committed again with the next ones", describe(code)));
        }
    }
}
