//! The ends of lists and maps under construction.

use super::column::{Column, Data};
use super::fault::{Parsed, fault};

impl Column {
    /// Ends the list or map whose items have been put into `data`.
    ///
    /// **Errors**: a key of the map occurs twice, or there are more items than offsets can count.
    pub(in crate::formats) fn end_items(&mut self) -> Parsed {
        match &mut self.data {
            Data::List(offsets, item, _) => {
                offsets.push(i32::try_from(item.len()).map_err(|_| fault("more list items in one batch than can be counted"))?);
            }
            Data::Map(offsets, keys, ..) => {
                let before = offsets.last().map_or(0, |last| *last as usize);
                if let Some(repeated) = keys.repeated_since(before) {
                    return Err(fault(format!("entry {} of the map has the key of an earlier one", repeated - before + 1)));
                }
                offsets.push(i32::try_from(keys.len()).map_err(|_| fault("more map entries in one batch than can be counted"))?);
            }
            _ => {}
        }
        self.set_valid();
        Ok(())
    }
}
