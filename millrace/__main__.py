"""The command ``millrace``: a table of names; each command is imported only when it is called."""

import importlib
import os
from typing import Any, NoReturn

import click

COMMANDS = {
    "demo": ("millrace.demo.command:demo", "All parts on this machine in one run, ending with the proof."),
    "up": ("millrace.running.up:up", "Broker, speed layer, HTTP API and page under one supervisor."),
    "doctor": ("millrace.doctor.command:doctor", "What this machine lacks, and how to get it."),
    "config": ("millrace.config:config", "The effective settings."),
    "generate": ("datasets.synthetic.cli:generate", "Synthetic events with a planted truth."),
    "import": ("datasets.importing.cli:import_", "Files of any shape as events and items."),
    "produce": ("datasets.sending.cli:produce", "Send a file's lines to the log."),
    "relay": ("datasets.relaying.cli:relay", "Topics of any shape and key as events."),
    "batch": ("batch_layer.cli:batch", "The batch layer: compute and publish a generation."),
    "generations": ("batch_layer.cli:generations", "The kept generations."),
    "rollback": ("batch_layer.cli:rollback", "Make a kept generation active again."),
    "speed": ("speed_layer.cli:speed", "The speed layer: apply events as they arrive."),
    "serve": ("millrace.running.serve:serve", "The HTTP API alone."),
    "recommend": ("serving_layer.cli:recommend", "Items that a user may like."),
    "similar": ("serving_layer.cli:similar", "Items that go with an item."),
    "similar-image": ("serving_layer.pictures.cli:similar_image", "Items whose pictures look like a picture."),
    "pictures": ("millrace.pictures.command:pictures", "Pictures of items: make their index, judge it."),
    "trending": ("serving_layer.cli:trending", "Items that are rising now."),
    "history": ("serving_layer.cli:history", "A user's last items."),
    "lists": ("millrace.lists:lists", "A user's own lists of items, and what they recommend."),
    "explain": ("serving_layer.cli:explain", "Why an item is, or is not, recommended to a user."),
    "bucket-changes": ("serving_layer.cli:bucket_changes", "How each hour differs from the previous one."),
    "insights": ("serving_layer.insights.cli:insights", "What the events say: engagement, devices, best time."),
    "watch": ("millrace.watch:watch", "Rates, lag and what trends, live in the terminal."),
    "report": ("millrace.report.command:report", "Trends, insights and quality as one HTML file for a mail."),
    "status": ("serving_layer.cli:status", "Generation, boundary, lag and freshness."),
    "verify": ("millrace.proof.verify:verify", "Prove every merged sum against a slow recompute."),
    "evaluate": ("millrace.judging.command:evaluate", "How good the rankings are, on a split of the events."),
    "experiments": ("millrace.experiments:experiments", "Who is served otherwise, and whether that is in effect."),
    "keys": ("millrace.keys:keys", "The keys of the HTTP API: create, list, revoke."),
    "rejected": ("millrace.rejected.command:rejected", "The dead letters: list, export and replay."),
    "forget": ("millrace.forget:forget", "Let a user's events no longer count, and delete them."),
    "alias": ("millrace.alias:alias", "Move an anonymous user's history to a known user."),
    "export": ("millrace.export.command:export", "Take histories, recommendations, events or a generation along."),
    "backup": ("millrace.backup.command:backup", "Save the whole installation in one file."),
    "restore": ("millrace.backup.command:restore", "Make a new home of a backup."),
    "reproduce": ("millrace.reproduce.command:reproduce", "Compute an answer again that was once given."),
    "lake": ("millrace.lake:lake", "Maintain the event lake."),
}

LOG_FORMAT = "log_format"


class LazyGroup(click.Group):
    """Imports a command only when it is called: a lookup must not wait for Spark."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C during its import ends it as Ctrl-C during its run does."""
        try:
            from adapters.machine.compiled import keep_compiled

            keep_compiled()
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from adapters.machine.stopping import INTERRUPTED

            click.echo("millrace: interrupted", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return _with_log_format(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _use_log_format(_: click.Context, __: click.Parameter, value: str | None) -> None:
    """Have this process and those that it starts report so."""
    if value is not None:
        os.environ["MILLRACE_LOG_FORMAT"] = value
        from adapters.terminal.reporting import use_format

        use_format(value)


def _with_log_format(command: click.Command) -> click.Command:
    """Return the command, and all below it, with the option that every one has."""
    if not any(parameter.name == LOG_FORMAT for parameter in command.params):
        command.params.append(
            click.Option(
                ["--log-format"], type=click.Choice(["text", "json"]), callback=_use_log_format, expose_value=False,
                is_eager=True, help="How it reports on stderr. Default: the setting log_format.",
            )
        )  # fmt: skip
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _with_log_format(inner)
    return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), callback=_use_log_format, expose_value=False, is_eager=True,
    help="How commands report on stderr.",
)  # fmt: skip
@click.version_option(package_name="millrace", message="millrace %(version)s")
def main() -> None:
    """Recommendations that are fresh in a second and provably right: batch and speed layer, merged exactly.

    Settings come from millrace.toml and MILLRACE_* variables; `millrace config show` lists them.
    Exit status: 0 done, 1 failed, 2 wrong usage, 3 not ready, 130 interrupted.
    """


def run() -> NoReturn:
    """Run the command as a process: a signal that comes once its work is done does not change its status."""
    from adapters.machine.spared import WholeProcess
    from adapters.machine.stopping import Ending

    ending = Ending()
    try:
        main(prog_name="millrace", obj=WholeProcess())
    except SystemExit as end:
        ending.with_status(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise
    except OSError as error:  # of click, which prints help and version itself
        click.echo(f"millrace: cannot write: {error.strerror}; free some space or write elsewhere", err=True)
    raise SystemExit(1)


if __name__ == "__main__":
    run()
