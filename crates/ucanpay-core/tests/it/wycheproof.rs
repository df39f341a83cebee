//! Project Wycheproof's vectors for PKCS#1 v1.5: signatures made to slip past a lenient verifier.

use ucanpay_core::{Digest, KeyError, PublicKey};
use wycheproof::{
    TestResult,
    rsa_pkcs1_verify::{TestName, TestSet},
};

use crate::fixtures::verifiers;

#[test]
fn every_backend_accepts_the_valid_signatures_and_no_other() {
    let names = [
        TestName::Rsa2048Sha256,
        TestName::Rsa3072Sha256,
        TestName::Rsa4096Sha256,
    ];
    let (mut valid, mut refused, mut weak) = (0, 0, 0);
    for group in names
        .into_iter()
        .flat_map(|name| TestSet::load(name).unwrap().test_groups)
    {
        let key = match PublicKey::from_bytes(&group.der) {
            Ok(key) => key,
            Err(KeyError::Exponent { exponent: 3 }) => {
                weak += 1;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        for verifier in verifiers(&key) {
            for test in &group.tests {
                let verdict = verifier.verify(Digest::Sha256, &test.msg, &test.sig);
                // "Acceptable" leaves the NULL of the digest's identifier out: not the signature, so not accepted.
                let expected = test.result == TestResult::Valid;
                let (who, id, comment) = (verifier.backend(), test.tc_id, &test.comment);
                assert_eq!(verdict, expected, "{who}, {id}: {comment}");
                if verdict { valid += 1 } else { refused += 1 }
            }
        }
    }
    assert!(
        valid > 10 && refused > 500,
        "{valid} valid, {refused} refused, {weak} weak keys"
    );
}

#[test]
fn a_key_of_8192_bits_is_refused_before_any_backend_sees_it() {
    for group in TestSet::load(TestName::Rsa8192Sha256).unwrap().test_groups {
        let error = PublicKey::from_bytes(&group.der).unwrap_err();
        assert_eq!(error, KeyError::Size { bits: 8192 });
    }
}
