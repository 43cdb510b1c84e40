//! Versionstamps: ten bytes, the commit version and the place in its batch, and where they go.

use plinth_core::words::{Key, KeyRange};

/// A commit's place in history, as the ten bytes that keys and values get.
pub type Stamp = [u8; 10];

/// The stamp of a commit.
pub fn stamp(version: u64, batch_index: u16) -> Stamp {
    let mut stamp = [0; 10];
    let bytes = version.to_be_bytes().into_iter().chain(batch_index.to_be_bytes());
    for (to, from) in stamp.iter_mut().zip(bytes) {
        *to = from;
    }
    stamp
}

/// The template without its last four bytes, and with the stamp at the place that they say; `None` if
/// there is no such place.
pub fn filled(template: &[u8], stamp: Stamp) -> Option<Key> {
    let (body, place) = template.split_last_chunk::<4>()?;
    let place = usize::try_from(i32::from_le_bytes(*place)).ok()?;
    let mut body = body.to_vec();
    body.get_mut(place..place.checked_add(10)?)?
        .copy_from_slice(&stamp);
    Some(body.into())
}

/// Every key that a template may become, as far as the transaction can know: from the first stamp
/// after its read version, if it has one already, to the last stamp there is, below `space_end`.
pub fn possible_keys(template: &[u8], read_version: Option<u64>, space_end: &[u8]) -> Option<KeyRange> {
    let first = read_version.map_or([0; 10], |version| stamp(version + 1, 0));
    let begin = filled(template, first)?;
    let mut end = filled(template, [0xff; 10])?.to_vec();
    end.push(0);
    let end = end.min(space_end.to_vec());
    Some(KeyRange::new(begin, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_holds() {
        let template = [b"foo".as_slice(), &[0; 10], &[3, 0, 0, 0]].concat();
        let expected = [b"foo".as_slice(), &[0, 0, 0, 0, 0, 0, 1, 2, 0, 5]].concat();
        assert_eq!(
            filled(&template, stamp(0x102, 5)).as_deref(),
            Some(expected.as_slice())
        );
    }

    #[test]
    fn a_template_without_room_is_none() {
        assert_eq!(filled(&[0; 13], [0; 10]), None);
        assert_eq!(filled(&[0xff; 14], [0; 10]), None);
        assert_eq!(
            filled(&[[0; 10].as_slice(), &[1, 0, 0, 0]].concat(), [0; 10]),
            None
        );
    }
}
