//! The protobuf wire format: numbered fields in four encodings.

use super::protobuf_error::ProtobufError;

/// One value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

impl Scalar<'_> {
    pub(super) fn wire_type(self) -> u8 {
        match self {
            Self::Varint(_) => 0,
            Self::Fixed64(_) => 1,
            Self::Bytes(_) => 2,
            Self::Fixed32 => 5,
        }
    }
}

/// Walks the fields of a message.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next field's number and value; None at the end. Groups, which nothing writes any more, are skipped.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Scalar<'a>)>, ProtobufError> {
        let mut groups = 0_usize;
        while !self.rest.is_empty() {
            let (number, wire_type) = self.tag()?;
            match wire_type {
                3 => groups += 1,
                4 => groups = groups.checked_sub(1).ok_or(ProtobufError::WireType(4))?,
                _ => {
                    let scalar = self.scalar(wire_type)?;
                    if groups == 0 {
                        return Ok(Some((number, scalar)));
                    }
                }
            }
        }
        if groups == 0 { Ok(None) } else { Err(ProtobufError::End) }
    }

    pub(super) fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(ProtobufError::End)?;
            self.rest = rest;
            // The tenth byte has room for one bit; Go's decoders drop the others as well.
            number |= u64::from(byte & 0x7f) << shift.min(63);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(ProtobufError::Overflow)
    }

    fn tag(&mut self) -> Result<(u32, u8), ProtobufError> {
        let tag = self.varint()?;
        let wire_type = u8::try_from(tag & 7).unwrap_or_default();
        Ok((u32::try_from(tag >> 3).map_err(|_| ProtobufError::Overflow)?, wire_type))
    }

    fn scalar(&mut self, wire_type: u8) -> Result<Scalar<'a>, ProtobufError> {
        match wire_type {
            0 => Ok(Scalar::Varint(self.varint()?)),
            1 => {
                let (bytes, rest) = self.rest.split_first_chunk().ok_or(ProtobufError::End)?;
                self.rest = rest;
                Ok(Scalar::Fixed64(u64::from_le_bytes(*bytes)))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| ProtobufError::End)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(ProtobufError::End)?;
                self.rest = rest;
                Ok(Scalar::Bytes(bytes))
            }
            5 => {
                let (_, rest) = self.rest.split_first_chunk::<4>().ok_or(ProtobufError::End)?;
                self.rest = rest;
                Ok(Scalar::Fixed32)
            }
            other => Err(ProtobufError::WireType(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_with_their_numbers() {
        let mut reader = Reader::new(b"\x08\x96\x01\x12\x01a\x0b\x10\x05\x0c\x1d\x00\x00\x00\x00");
        assert_eq!(reader.next(), Ok(Some((1, Scalar::Varint(150)))));
        assert_eq!(reader.next(), Ok(Some((2, Scalar::Bytes(b"a")))));
        assert_eq!(reader.next(), Ok(Some((3, Scalar::Fixed32))));
        assert_eq!(reader.next(), Ok(None));
    }

    #[test]
    fn what_ends_early_is_refused() {
        for bytes in [b"\x08".as_slice(), b"\x08\x80", b"\x12\x05a", b"\x0b", b"\x09\x00"] {
            assert_eq!(Reader::new(bytes).next(), Err(ProtobufError::End), "{bytes:?}");
        }
    }
}
