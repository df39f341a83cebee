//! Reads the gateway's order number out of a pay link (reference: the flow pages of app and dynamic QR
//! payment).

/// The value of `ucpOrderNo` in the raw query of a pay link, whichever style and flow it was built in;
/// `outOrderNo`, which is printed with the same value, if that is all there is.
///
/// The order number stands one encoding deep, the buyer-visible `item` two: decoding once uncovers the
/// number, and leaves an item's `&` covered.
pub(crate) fn order_number(raw_query: &str) -> Option<String> {
    let decoded = percent_decoded(raw_query)?;
    let value_of = |name: &str| {
        decoded
            .split(['?', '&'])
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .filter(|number| {
                (1..=32).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
            })
            .map(str::to_owned)
    };
    value_of("ucpOrderNo").or_else(|| value_of("outOrderNo"))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_both_flows_and_styles() {
        for query in [
            "link=http://h/pay?ucpOrderNo%3D37%26amount%3D450%26item%3Dcoffee&apn=a",
            "link=http://h/pay?outOrderNo%3D37&ucpOrderNo%3D37%26amount%3D1%26item%3Dx&sign=a%3D&apn=a",
            "link=http%3A%2F%2Fh%2Fpay%3FucpOrderNo%3D37%26amount%3D1%26item%3Dx&apn=a",
            "link=http%3A%2F%2Fh%2Fpay%3FoutOrderNo%3D37%26ucpOrderNo%3D37%26amount%3D1&sign=x&apn=a",
            "ucpOrderNo=37&amount=450&item=coffee",
        ] {
            assert_eq!(order_number(query).as_deref(), Some("37"), "{query}");
        }
    }

    #[test]
    fn an_item_cannot_pass_for_the_number() {
        let query = "link=http://h/pay?item%3D%2526ucpOrderNo%253D99%26ucpOrderNo%3D37&apn=a";
        assert_eq!(order_number(query).as_deref(), Some("37"));
    }

    #[test]
    fn what_holds_no_number_is_none() {
        for query in [
            "",
            "link=",
            "link=%",
            "link=%zz",
            "ucpOrderNo=",
            "ucpOrderNo=../x",
            "ucpOrderNo=1%2F2",
            "link=%ff",
        ] {
            assert_eq!(order_number(query), None, "{query}");
        }
    }
}
