//! What `--help` says of each command below its flags, one text a command; the manual pages hold the same.

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use crate::cli::Cli;

    /// What every command tells, in this order.
    const SECTIONS: [&str; 5] = ["Examples:", "Exit codes:", "Formats:", "Files:", "Environment:"];

    /// Every command that people see, with its name as it is called.
    fn commands() -> Vec<(String, Command)> {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let mut found = vec![("podsec".to_owned(), command.clone())];
        let mut waiting: Vec<(String, Command)> = found.clone();
        while let Some((name, command)) = waiting.pop() {
            for below in
                command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
            {
                let below = (format!("{name} {}", below.get_name()), below.clone());
                found.push(below.clone());
                waiting.push(below);
            }
        }
        found
    }

    fn long_help(command: &Command) -> String {
        command.clone().render_long_help().to_string()
    }

    #[test]
    fn every_command_tells_what_it_does_examples_exit_codes_formats_files_and_environment() {
        let commands = commands();
        assert!(commands.len() >= 13, "{}", commands.len());
        for (name, command) in commands {
            let help = long_help(&command);
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            assert!(long.len() > about.len() + 40, "{name} has no text of its own: {long:?}");
            assert!(help.starts_with(&about), "{name}");
            let mut rest = help.as_str();
            for section in SECTIONS {
                let (_, after) =
                    rest.split_once(&format!("\n{section}\n")).unwrap_or_else(|| panic!("{name}: {section}"));
                assert!(after.starts_with("  "), "{name}: nothing below {section}");
                rest = after;
            }
            // clap breaks longer lines, and an example with them.
            let extra = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            assert!(extra.lines().all(|line| line.chars().count() <= 98), "{name}: a line is too long");
            let (_, examples) = help.split_once("\nExamples:\n").unwrap();
            assert!(examples.split("\n\n").next().unwrap().contains(&name), "{name}: no example calls it");
        }
    }

    #[test]
    fn the_exit_codes_that_are_told_are_those_of_success_and_of_a_wrong_command_line_at_least() {
        for (name, command) in commands() {
            let help = long_help(&command);
            let (_, codes) = help.split_once("\nExit codes:\n").unwrap();
            let codes = codes.split("\n\n").next().unwrap();
            assert!(codes.starts_with("  0  ") && codes.contains("\n  2  "), "{name}: {codes}");
        }
    }

    #[test]
    fn the_manual_page_of_every_command_says_all_that_help_says() {
        for (name, command) in commands() {
            let mut page = Vec::new();
            clap_mangen::Man::new(command.clone()).render(&mut page).unwrap();
            // What roff reads as a sign of its own is escaped, and lines are filled.
            let plain = |text: &str| {
                let text = text
                    .replace("\\-", "-")
                    .replace("\\(aq", "'")
                    .replace("\\*(Aq", "'")
                    .replace("\\\\", "\\");
                let text =
                    text.replace("\\fB", "").replace("\\fR", "").replace("\\fI", "").replace("\\&", "");
                text.split_whitespace().filter(|word| *word != ".br").collect::<Vec<_>>().join(" ")
            };
            let page = plain(&String::from_utf8(page).unwrap());
            let extra = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            for line in extra.lines().chain(long.lines()).filter(|line| !line.trim().is_empty()) {
                let line = plain(line);
                assert!(page.contains(&line), "{name}: {line:?} is not in the manual page:\n{page}");
            }
            for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
                let long = flag.get_long().map(|long| format!("--{long}"));
                assert!(long.is_none_or(|long| page.contains(&long)), "{name}: {:?}", flag.get_id());
            }
        }
    }
}
