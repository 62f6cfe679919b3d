//! The two questions that librdkafka answers and its Rust binding does not ask.

use std::ffi::CStr;
use std::ptr;

use rdkafka::bindings::{
    rd_kafka_header_get_all, rd_kafka_message_headers, rd_kafka_message_status, rd_kafka_msg_status_t,
    rd_kafka_resp_err_t,
};
use rdkafka::message::BorrowedMessage;

use super::settings::HeaderRead;

/// Whether a message that failed may stand in the log all the same.
pub(super) fn may_be_written(message: &BorrowedMessage<'_>) -> bool {
    // SAFETY: the message is borrowed, so what it points at is there.
    let status = unsafe { rd_kafka_message_status(message.ptr()) };
    status != rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED
}

/// The headers of a message. One whose name is not UTF-8 cannot be ours and is left out; the binding would panic.
pub(super) fn headers<'m>(message: &'m BorrowedMessage<'_>) -> Vec<HeaderRead<'m>> {
    const OK: rd_kafka_resp_err_t = rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
    let mut found = Vec::with_capacity(10);
    let mut list = ptr::null_mut();
    // SAFETY: the message is borrowed; the list belongs to it and lives as long.
    if unsafe { rd_kafka_message_headers(message.ptr(), &mut list) } != OK {
        return found;
    }
    for place in 0.. {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the list is the message's; a place beyond its end is an error.
        if unsafe { rd_kafka_header_get_all(list, place, &mut name, &mut value, &mut size) } != OK {
            break;
        }
        // SAFETY: the name is a C string, and the value so many bytes, both inside the list; no value is a null.
        let (name, value) = unsafe {
            let value = if value.is_null() { &[] } else { std::slice::from_raw_parts(value.cast::<u8>(), size) };
            (CStr::from_ptr(name).to_str(), value)
        };
        found.extend(name.map(|name| (name, value)));
    }
    found
}
