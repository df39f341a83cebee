//! The control API's own description.

use axum::http::header;
use axum::response::IntoResponse;

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::routing::MethodFilter;
    use serde_json::Value;

    use super::super::table;
    use super::DOCUMENT;
    use crate::faults::Fault;

    #[test]
    fn the_document_describes_every_route_and_no_other() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut described = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path}");
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let named: Vec<_> = parameters
                    .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
                    .collect();
                assert_eq!(path.matches('{').count(), named.len(), "{method} {path}");
                assert!(named.iter().all(|name| path.contains(name)), "{path}");
                described.insert((method.clone(), path.clone()));
            }
        }
        let routes = table().into_iter().map(|(method, path, _)| {
            let method = match method {
                MethodFilter::GET => "get",
                MethodFilter::POST => "post",
                MethodFilter::DELETE => "delete",
                other => panic!("{other:?}"),
            };
            (method.to_owned(), path.to_owned())
        });
        assert_eq!(described, routes.collect());
    }

    #[test]
    fn the_document_names_every_fault() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let named = &document["components"]["schemas"]["Fault"]["properties"]["fault"]["enum"];
        let named: Vec<Fault> = serde_json::from_value(named.clone()).unwrap();
        let unknown = serde_json::from_str::<Fault>(r#""?""#).unwrap_err();
        let known = unknown.to_string().matches('`').count() / 2 - 1;
        assert_eq!(named.len(), known, "{unknown}");
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut found = 0;
        for part in DOCUMENT.split("\"$ref\": \"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            found += 1;
        }
        assert!(found > 20, "{found}");
    }
}
