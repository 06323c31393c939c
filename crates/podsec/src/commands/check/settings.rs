//! `podsec.toml`: what holds for every check of a project, found upwards from the working directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use podsec_manifest::{Template, Templates};
use podsec_standards::{Level, Policy, Version};
use serde::Deserialize;

use super::super::render::RenderArguments;
use super::super::values::CheckId;
use super::policies::{ModeArgument, PolicyArguments};
use super::selection::{FileIgnores, Selection, SelectionArguments, below};

/// What `podsec.toml` says; flags override it. Paths in it count from its folder.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Settings {
    level: Option<String>,
    version: Option<String>,
    mode: Option<String>,
    namespaces: Option<PathBuf>,
    config: Option<PathBuf>,
    /// Known violations; it was called `baseline` once, which is the name of a level.
    #[serde(alias = "baseline")]
    known: Option<PathBuf>,
    /// The only checks that count; all of them when empty.
    select: Vec<String>,
    ignore: Vec<String>,
    /// Checks that do not count, by the glob of their files.
    per_file_ignores: BTreeMap<String, Vec<String>>,
    /// Levels of the files that a glob names; the last that fits counts.
    levels: Vec<LevelSetting>,
    fail_on: Option<String>,
    strict: bool,
    /// Whether charts and overlays are rendered.
    render: Option<bool>,
    /// Where images are: layouts, archives, folders of these, lock files.
    images: Vec<PathBuf>,
    /// The version of Kubernetes that charts are told they are for.
    kube_version: Option<String>,
    /// Globs of files that are not judged.
    pub(crate) exclude: Vec<String>,
    template: Vec<TemplateSetting>,
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// The level of some files.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelSetting {
    path: String,
    level: String,
    version: Option<String>,
}

/// A custom kind that carries pods.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateSetting {
    group: String,
    kind: String,
    path: String,
}

impl Settings {
    /// Reads the file that is named, or else the nearest `podsec.toml` above the working directory.
    pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<Self> {
        let path = if let Some(path) = named {
            path.to_owned()
        } else {
            let Ok(here) = std::env::current_dir() else { return Ok(Self::default()) };
            let above = here.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file());
            let Some(path) = above else { return Ok(Self::default()) };
            path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path)
        };
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let settings = Self::parse(&text).with_context(|| format!("cannot use {}", path.display()))?;
        Ok(Self { folder: path.parent().map(Path::to_owned).unwrap_or_default(), ..settings })
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let settings: Self = toml::from_str(text)?;
        if settings.version.is_some() && settings.level.is_none() {
            bail!("version needs a level beside it");
        }
        Ok(settings)
    }

    /// Fills in what the flags leave open.
    pub(crate) fn complete(&self, arguments: &mut PolicyArguments) -> anyhow::Result<()> {
        if arguments.level.is_none() {
            for LevelSetting { path, level, version } in &self.levels {
                let level = level.parse::<Level>().context("levels: level")?;
                let version =
                    version.as_deref().map_or(Ok(Version::Latest), str::parse).context("levels: version")?;
                let glob = below(&self.folder, path).context("levels: path")?;
                arguments.by_path.push((glob, Policy::new(level, version)));
            }
            let level = self.level.as_deref().map(str::parse::<Level>).transpose().context("level")?;
            let version =
                self.version.as_deref().map(str::parse::<Version>).transpose().context("version")?;
            arguments.level = level;
            arguments.version = version;
        }
        if arguments.mode.is_none() {
            arguments.mode = mode("mode", self.mode.as_deref())?;
        }
        let below = |path: &Option<PathBuf>| path.as_ref().map(|path| self.folder.join(path));
        arguments.namespaces = arguments.namespaces.take().or_else(|| below(&self.namespaces));
        arguments.config = arguments.config.take().or_else(|| below(&self.config));
        Ok(())
    }

    pub(crate) fn fail_on(&self) -> anyhow::Result<Option<ModeArgument>> {
        mode("fail-on", self.fail_on.as_deref())
    }

    /// Fills in what the flags leave open of how things are rendered.
    pub(crate) fn complete_render(&self, arguments: &mut RenderArguments) {
        arguments.complete(self.render, self.kube_version.as_ref());
    }

    pub(crate) fn strict(&self) -> bool {
        self.strict
    }

    /// Where images are.
    pub(crate) fn images(&self) -> Vec<PathBuf> {
        self.images.iter().map(|path| self.folder.join(path)).collect()
    }

    /// The checks that count for the flags, and for the settings; a violation counts when it does for both.
    pub(crate) fn selections(&self, flags: &SelectionArguments) -> anyhow::Result<[Selection; 2]> {
        let ids = |names: &[String]| {
            let id = |name: &String| name.parse().map_err(|error| anyhow!("{name:?}: {error}"));
            names.iter().map(id).collect::<anyhow::Result<Vec<CheckId>>>()
        };
        let own = || {
            let mut own = SelectionArguments { ignore: ids(&self.ignore)?, ..SelectionArguments::default() };
            // What is selected on the command line is looked for, whatever the settings select.
            if flags.select.is_empty() {
                own.select = ids(&self.select)?;
            }
            for (glob, checks) in &self.per_file_ignores {
                own.per_file_ignores.push(FileIgnores { glob: glob.clone(), checks: ids(checks)? });
            }
            Selection::new(&own, &self.folder)
        };
        let own = own().context("cannot use podsec.toml")?;
        Ok([Selection::new(flags, Path::new("")).context("--per-file-ignores")?, own])
    }

    pub(crate) fn known(&self) -> Option<PathBuf> {
        self.known.as_ref().map(|path| self.folder.join(path))
    }

    /// The known custom kinds, those of the settings and those of the flags.
    pub(crate) fn templates(&self, flags: &[Template]) -> anyhow::Result<Templates> {
        let mut templates = Templates::default();
        for TemplateSetting { group, kind, path } in &self.template {
            templates.add(Template::new(group, kind, path)?);
        }
        for template in flags {
            templates.add(template.clone());
        }
        Ok(templates)
    }
}

fn mode(key: &str, name: Option<&str>) -> anyhow::Result<Option<ModeArgument>> {
    Ok(match name {
        None => None,
        Some("enforce") => Some(ModeArgument::Enforce),
        Some("audit") => Some(ModeArgument::Audit),
        Some("warn") => Some(ModeArgument::Warn),
        Some(_) => bail!("{key}: must be one of enforce, audit, warn"),
    })
}

const FILE: &str = "podsec.toml";

/// The JSON Schema of `podsec.toml`.
pub(crate) const SCHEMA: &str = include_str!("settings.schema.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_the_schema_knows_can_be_read_and_no_other() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let known: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let text = r#"
            level = "baseline"
            version = "v1.30"
            mode = "warn"
            namespaces = "cluster/namespaces.yaml"
            config = "cluster/pod-security.yaml"
            known = "podsec-known.json"
            exclude = ["vendor/**"]
            select = ["hostPorts"]
            ignore = ["privileged"]
            fail-on = "warn"
            strict = true
            render = false
            images = ["podsec.images.toml"]
            kube-version = "1.33"
            [per-file-ignores]
            "agents/**" = ["hostPathVolumes"]
            [[levels]]
            path = "platform/**"
            level = "baseline"
            [[template]]
            group = "example.org"
            kind = "Fleet"
            path = "spec.boats[*].template"
        "#;
        let mut settings = Settings::parse(text).unwrap();
        settings.folder = PathBuf::from("project");
        let read: toml::Table = toml::from_str(text).unwrap();
        assert_eq!(read.keys().map(String::as_str).collect::<Vec<_>>(), known);

        let mut arguments = PolicyArguments::default();
        settings.complete(&mut arguments).unwrap();
        assert_eq!(arguments.level, Some(Level::Baseline));
        assert_eq!(arguments.version, Some(Version::V1(30)));
        assert_eq!(arguments.config, Some(PathBuf::from("project/cluster/pod-security.yaml")));
        assert!(
            settings.templates(&[]).is_ok() && settings.selections(&SelectionArguments::default()).is_ok()
        );
        assert_eq!((settings.fail_on().unwrap(), settings.strict()), (Some(ModeArgument::Warn), true));
        let platform = std::path::absolute("project/platform/deep/a.yaml").unwrap();
        assert!(matches!(&arguments.by_path[..], [(glob, _)] if glob.is_match(&platform)));
        assert_eq!(
            Settings::parse("baseline = \"old.json\"").unwrap().known(),
            Some(PathBuf::from("old.json"))
        );

        let mut flags = PolicyArguments { level: Some(Level::Restricted), ..PolicyArguments::default() };
        settings.complete(&mut flags).unwrap();
        assert_eq!((flags.level, flags.version), (Some(Level::Restricted), None));
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        for text in ["levels = 1", "version = \"v1.30\"", "level = 1", "[[template]]\nkind = \"A\""] {
            assert!(Settings::parse(text).is_err(), "{text}");
        }
        let mut arguments = PolicyArguments::default();
        for text in ["ignore = [\"hostNames\"]", "[per-file-ignores]\n\"a\" = [\"x\"]"] {
            assert!(
                Settings::parse(text).unwrap().selections(&SelectionArguments::default()).is_err(),
                "{text}"
            );
        }
        for text in ["level = \"strict\"", "mode = \"deny\"", "level = \"baseline\"\nversion = \"1.30\""] {
            assert!(Settings::parse(text).unwrap().complete(&mut arguments).is_err(), "{text}");
        }
    }
}
