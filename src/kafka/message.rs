//! A message that was read.

use std::ffi::{CStr, c_void};

use rdkafka_sys as sys;

/// A message, for the time of a call.
pub struct Message<'a> {
    pub(super) raw: &'a sys::rd_kafka_message_t,
}

fn bytes<'a>(pointer: *mut c_void, length: usize) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the library guarantees `length` bytes at a pointer that is not NULL, for as long as the message lives.
    Some(unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) })
}

impl Message<'_> {
    /// Offset in its partition.
    pub fn offset(&self) -> i64 {
        self.raw.offset
    }

    /// The value; `None` for a tombstone.
    pub fn payload(&self) -> Option<&[u8]> {
        bytes(self.raw.payload, self.raw.len)
    }

    /// The key.
    pub fn key(&self) -> Option<&[u8]> {
        bytes(self.raw.key, self.raw.key_len)
    }

    /// Milliseconds since 1970, if the message has a time.
    pub fn timestamp(&self) -> Option<i64> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        let time = unsafe { sys::rd_kafka_message_timestamp(self.raw, &mut kind) };
        (time >= 0).then_some(time)
    }

    /// Calls `take` with the name and value of each header, in order.
    pub fn headers(&self, mut take: impl FnMut(&CStr, Option<&[u8]>)) {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is alive, and so are the headers that it owns; the loop ends where there is no further header.
        unsafe {
            if sys::rd_kafka_message_headers(self.raw, &mut headers) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return;
            }
            for at in 0.. {
                let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
                if sys::rd_kafka_header_get_all(headers, at, &mut name, &mut value, &mut size) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return;
                }
                take(CStr::from_ptr(name), bytes(value.cast_mut(), size));
            }
        }
    }
}
