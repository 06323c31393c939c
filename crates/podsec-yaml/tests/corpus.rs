//! Real manifests: as many documents as kubectl sees in them.

use podsec_testing::recorded;

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn every_real_manifest_has_the_documents_kubectl_sees() {
    let corpus = recorded::corpus();
    let index = std::fs::read_to_string(corpus.join("index.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut read = 0;
    for row in index.lines().skip(1) {
        let columns: Vec<_> = row.split('\t').collect();
        let Ok(bytes) = std::fs::read(corpus.join(columns[0])) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let documents: Vec<_> = podsec_yaml::documents(&text).collect();
        read += 1;
        for document in &documents {
            match document {
                Ok(document) => {
                    let mut json = Vec::new();
                    document.write_json(&mut json);
                    assert_eq!(
                        serde_json::from_slice::<serde_json::Value>(&json).unwrap(),
                        document.to_json()
                    );
                }
                Err(error) => wrong.push(format!("{}: {error}", columns[0])),
            }
        }
        if documents.len().to_string() != columns[5] {
            wrong.push(format!("{}: {} documents, kubectl sees {}", columns[0], documents.len(), columns[5]));
        }
    }
    assert!(wrong.is_empty(), "{} of {read}:\n{}", wrong.len(), wrong.join("\n"));
}
