//! Users that are written from what is known of images.

use podsec_manifest::fix::{Fixed, Options, fix, marked_diff};
use podsec_manifest::images::{Image, Images, NamedUser};
use podsec_manifest::{Source, Templates};

use crate::{RESTRICTED, assert_sound};

fn images() -> Images {
    let user = |name: &str, uid| Some(NamedUser { name: name.to_owned(), uid, gid: uid + 1 });
    let image = |reference: &str, user: &str| Image {
        reference: reference.to_owned(),
        user: user.to_owned(),
        ..Image::default()
    };
    let mut images = Images::default();
    images.add(image("number", "1000"));
    images.add(Image { known_as: user("web", 101), ..image("named", "web") });
    images.add(Image { known_as: user("toor", 0), ..image("toor", "toor") });
    images.add(Image { made_for: user("app", 7), ports: vec!["80/tcp".to_owned()], ..image("root", "") });
    images.add(image("bare", "0"));
    images
}

/// A pod of these images, mended.
fn mended(names: &[&str], more: &str, unsafe_fixes: bool) -> (String, Fixed) {
    let containers: String =
        names.iter().map(|name| ["  - name: ", name, "\n    image: ", name, "\n"].concat()).collect();
    let text = format!("apiVersion: v1\nkind: Pod\nspec:\n{more}  containers:\n{containers}");
    let images = images();
    let options = Options { unsafe_fixes, images: Some(&images), ..Options::default() };
    let source = Source { name: "a.yaml".to_owned(), text: text.clone() };
    let fixed = fix(&source, &Templates::default(), &RESTRICTED, options);
    assert_sound(&text, &fixed).unwrap();
    (text, fixed)
}

fn left(fixed: &Fixed) -> Vec<String> {
    fixed.left.iter().map(|left| format!("{}: {}", left.check.id, left.why)).collect()
}

#[test]
fn an_image_that_runs_as_a_number_proves_run_as_non_root() {
    let (_, fixed) = mended(&["number"], "", false);
    assert!(fixed.text.contains("  securityContext:\n    runAsNonRoot: true\n"), "{}", fixed.text);
    assert!(!fixed.text.contains("runAsUser"), "{}", fixed.text);
    assert!(fixed.report.pods[0].image_users.is_empty());
    let safety = fixed.applied.iter().find(|applied| applied.check.id == "runAsNonRoot").unwrap().safety;
    assert_eq!(safety.as_str(), "checked");
}

#[test]
fn a_name_becomes_its_number_and_nothing_else_changes() {
    let (text, fixed) = mended(&["named"], "", false);
    let context = "  securityContext:\n    runAsGroup: 102\n    runAsNonRoot: true\n    runAsUser: 101\n";
    assert!(fixed.text.contains(context), "{}", fixed.text);
    assert!(fixed.report.pods[0].image_users.is_empty());
    let diff = marked_diff("a.yaml", &text, &fixed);
    assert!(diff.contains(" @@ ") && diff.contains("checked: runAsNonRoot"), "{diff}");
}

#[test]
fn a_container_that_is_admitted_and_not_started_is_mended_too() {
    let more = "  securityContext: {runAsNonRoot: true}\n";
    let (_, fixed) = mended(&["named"], more, false);
    assert!(fixed.text.contains("runAsUser: 101"), "{}", fixed.text);
}

#[test]
fn an_image_of_root_gets_the_user_that_it_is_made_for_only_when_it_may_break() {
    let (_, fixed) = mended(&["root"], "", false);
    assert!(!fixed.text.contains("runAsNonRoot"), "{}", fixed.text);
    let volumes = "  volumes: [{name: v, emptyDir: {}}]\n";
    let (_, fixed) = mended(&["root"], volumes, true);
    for field in ["runAsUser: 7\n", "runAsGroup: 8\n", "fsGroup: 8\n", "runAsNonRoot: true\n"] {
        assert!(fixed.text.contains(&format!("    {field}")), "{}", fixed.text);
    }
    let told: Vec<&str> = fixed.applied.iter().map(|applied| applied.action.as_str()).collect();
    assert!(told.iter().any(|action| action.contains("it exposes 80/tcp")), "{told:?}");
    assert!(fixed.report.pods[0].image_users.is_empty());
}

#[test]
fn images_of_different_users_get_them_each_for_itself() {
    let (_, fixed) = mended(&["named", "root"], "", true);
    assert!(
        fixed.text.contains("      runAsUser: 101\n") && fixed.text.contains("      runAsUser: 7\n"),
        "{}",
        fixed.text
    );
}

#[test]
fn where_no_user_fits_it_says_what_to_build() {
    for (name, words) in [("bare", "USER 10001"), ("toor", "name its user by the number")] {
        let (_, fixed) = mended(&[name], "", true);
        assert!(!fixed.text.contains("runAsUser"), "{}", fixed.text);
        let left = left(&fixed);
        assert!(left.iter().any(|left| left.contains(words)), "{left:?}");
        assert_eq!(fixed.report.pods[0].not_started().count(), 1);
    }
}
