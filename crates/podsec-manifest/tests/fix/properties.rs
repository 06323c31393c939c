//! Any text at all: a fix never panics, and loses no document and no comment.

use proptest::prelude::*;

use crate::{BASELINE, RESTRICTED, assert_sound, fixed};

fn check(text: &str) -> Result<(), TestCaseError> {
    for policy in [BASELINE, RESTRICTED] {
        for unsafe_fixes in [false, true] {
            let once = fixed(text, policy, unsafe_fixes);
            if let Err(problem) = assert_sound(text, &once) {
                return Err(TestCaseError::fail(format!("{problem}: {text:?} became {:?}", once.text)));
            }
            let twice = fixed(&once.text, policy, unsafe_fixes);
            prop_assert_eq!(&twice.text, &once.text, "a second fix changed {:?}", text);
            prop_assert_eq!(twice.left.len(), once.left.len());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[ -~\n\t\r\u{85}\u{feff}é😀]{0,80}") {
        check(&text)?;
    }

    #[test]
    fn pods_made_of_pieces_lose_nothing(pieces in prop::collection::vec(piece(), 0..14), line_end in line_end()) {
        let text = format!("apiVersion: v1\nkind: Pod\nspec:\n{}", pieces.concat());
        check(&text.replace('\n', line_end))?;
    }

    #[test]
    fn flow_pods_made_of_pieces_lose_nothing(pieces in prop::collection::vec(flow_piece(), 0..8), line_end in line_end()) {
        let text = format!(
            "{{apiVersion: v1, kind: Pod, spec: {{{} containers: [{{name: a, securityContext: {{{}}}}}]}}}}",
            pieces.concat(),
            pieces.concat()
        );
        check(&text.replace('\n', line_end))?;
    }
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["\n", "\r\n"])
}

/// Lines of a pod's spec, and what an author may put between them.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "  hostPID: true\n",
        "  hostNetwork: yes # yes\n",
        "  hostIPC:\n    true\n",
        "  securityContext: &sc\n",
        "  securityContext:\n",
        "  securityContext: {}\n",
        "  securityContext: { # c\n  }\n",
        "    runAsUser: 0\n",
        "    sysctls: &s\n    - name: a\n    # b\n    - name: b\n",
        "    sysctls: [{name: a}, # c\n      {name: kernel.shm_rmid_forced}]\n",
        "  containers:\n",
        "  containers: # c\n  # d\n",
        "  initContainers: *c\n",
        "  - name: a\n",
        "  - &c\n    name: b\n",
        "  -\n    name: c # c\n",
        "  - {name: d}\n",
        "  - null\n",
        "  - *c\n",
        "    securityContext: &x\n",
        "    securityContext: *x # as above\n",
        "    securityContext: ~\n",
        "    securityContext:\n",
        "      <<: *x\n",
        "      privileged: true # c\n",
        "      capabilities: {add: [NET_ADMIN, CHOWN], drop: []}\n",
        "      capabilities:\n        add: # c\n        - SYS_ADMIN # d\n        # e\n        - CHOWN\n",
        "      procMount: |\n        x\n",
        "      seccompProfile: !!map {type: \"Unconfined\"}\n",
        "      allowPrivilegeEscalation: !!bool \"true\"\n",
        "    ports: [{hostPort: 1, containerPort: 2}]\n",
        "    ports:\n      - hostPort: 1\n      - - 1\n",
        "    args:\n    - |+\n      x\n\n",
        "    ? image\n    : x\n",
        "  volumes:\n",
        "  - hostPath: # c\n      path: x\n    name: v\n",
        "  - name: w\n    hostPath: {path: x}\n",
        "# c\n",
        "    # d\n",
        "\n",
        "---\n",
        "...\n",
        "  x: &a >-\n    y\n",
        "  \"y\": 'z\n\n    z'\n",
    ])
}

fn flow_piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "hostPID: true, ",
        "\"hostIPC\":true,",
        "privileged: true, # c\n",
        "procMount: x\n, ",
        "capabilities: {add: [A, B,], drop: [A, # c\n B]}, ",
        "seccompProfile: {type: 'x', }, ",
        "runAsUser: 0, ",
        "x: , ",
        "y, ",
        "? z, ",
        "windowsOptions: &w {hostProcess: true}, ",
        "seLinuxOptions: {user: a, role: b}, # d\n# e\n",
        "\n",
    ])
}
