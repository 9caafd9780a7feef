"""A refresh on a schedule: texts that the real schedulers accept, and effects on nothing else."""

import json
import os
import plistlib
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from klarify_xl.demo import DemoServer
from klarify_xl.errors import ConfigurationError, ScheduleError
from klarify_xl.schedule import DELAY_MINUTES, Every, Schedule, name_of, parse_time
from klarify_xl.schedule.cron import line_of, with_line, without_line
from klarify_xl.schedule.launchd import agent
from klarify_xl.schedule.systemd import calendar, service_unit, timer_unit
from klarify_xl.schedule.windows import NAMESPACE, task

from .test_command_line import call
from .workbooks import program, unavailable

EVERY: tuple[Every, ...] = ("hour", "day", "weekday")
SCHEMA = Path(__file__).with_name("task_scheduler.xsd")
ODD = '/srv/Prüfung & co/it\'s 100% "$HOME" `id` \\n #1;x'
TASK = {"t": NAMESPACE}

on_posix = pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
paths = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30
).map(lambda text: f"/srv/{text}")


def schedule(
    *arguments: str, every: Every = "day", at: time = time(6, 30), folder: str = "/srv/data"
) -> Schedule:
    command = (sys.executable, "-P", "-m", "klarify_xl", "refresh", *arguments)
    return Schedule("/srv/data/p.xlsx", command, folder, every, at, "machine")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the tests' own, with programs that write down how they are called."""
    folder = tmp_path / "home"
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("systemctl", "launchctl", "schtasks"):
        file = programs / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/calls"\n', encoding="utf-8")
        file.chmod(0o755)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "key").write_text("SECRETKEY", encoding="utf-8")
    return folder


@pytest.fixture
def crontab(home: Path, tmp_path: Path) -> Iterator[str]:
    """The real crontab program, of a user to whom nobody else's lines belong."""
    del home
    real = program("crontab")
    if os.geteuid() != 0:
        unavailable("only root may use another user's crontab")
    stand_in = tmp_path / "programs" / "crontab"
    stand_in.write_text(f'#!/bin/sh\nexec {real} -u nobody "$@"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    subprocess.run([real, "-u", "nobody", "-r"], check=False, capture_output=True)
    yield str(stand_in)
    subprocess.run([real, "-u", "nobody", "-r"], check=False, capture_output=True)


def calls(tmp_path: Path) -> list[str]:
    """Return how the programs of the home were called."""
    file = tmp_path / "calls"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def install(kind: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    key = ("--key-file", "key")
    return call(
        "schedule", "install", "--out", "p.xlsx", "--kind", kind, *key, *arguments, env=more
    )


def verify(folder: Path, one: Schedule) -> subprocess.CompletedProcess[str]:
    """Let systemd itself read the units of a schedule."""
    service = folder / "klarify-xl-test.service"
    timer = folder / "klarify-xl-test.timer"
    service.write_text(service_unit(one), encoding="utf-8")
    timer.write_text(timer_unit(one), encoding="utf-8")
    return subprocess.run(
        [program("systemd-analyze"), "verify", "--user", "--man=no", str(service), str(timer)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@on_posix
@pytest.mark.parametrize("every", EVERY)
def test_systemd_accepts_the_units(tmp_path: Path, every: Every) -> None:
    folder = tmp_path / "a b 100% $x"
    folder.mkdir()
    done = verify(tmp_path, schedule("--out", ODD, every=every, folder=str(folder)))
    assert (done.returncode, done.stderr) == (0, "")


@on_posix
def test_systemd_would_tell_if_a_unit_were_wrong(tmp_path: Path) -> None:
    wrong = schedule("--out", "x")
    done = verify(tmp_path, Schedule(wrong.out, ("/no/such", "x"), "/srv", "day", time(6)))
    assert done.returncode != 0


@on_posix
@pytest.mark.parametrize(
    ("every", "after", "elapses"),
    [
        ("hour", "2026-03-06 06:31", "Fri 2026-03-06 07:30:00 UTC"),
        ("day", "2026-03-06 06:31", "Sat 2026-03-07 06:30:00 UTC"),
        ("weekday", "2026-03-06 06:31", "Mon 2026-03-09 06:30:00 UTC"),
    ],
)
def test_systemd_counts_the_times_as_meant(every: Every, after: str, elapses: str) -> None:
    told = subprocess.run(
        [
            *(program("systemd-analyze"), "calendar", f"--base-time={after}"),
            calendar(schedule(every=every)),
        ],
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert f"Next elapse: {elapses}" in told.stdout


def test_units_catch_up_and_spread_and_carry_the_marker() -> None:
    timer, service = timer_unit(schedule()), service_unit(schedule())
    assert "\nPersistent=true\n" in timer
    assert "\nRandomizedDelaySec=10min\n" in timer
    first = f"# klarify-xl schedule {schedule().name}"
    assert timer.splitlines()[0] == service.splitlines()[0] == first


def test_words_of_a_unit_are_escaped_as_systemd_reads_them() -> None:
    (line,) = [one for one in service_unit(schedule(ODD)).splitlines() if "ExecStart" in one]
    quoted = '"/srv/Prüfung & co/it\'s 100%% \\"$$HOME\\" `id` \\\\n #1;x"'
    assert line.endswith(quoted)


@on_posix
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(paths, max_size=3))
def test_the_shell_of_cron_gives_the_program_the_very_words(arguments: list[str]) -> None:
    show = "import json, os, sys; print(json.dumps([os.getcwd(), *sys.argv[1:]]))"
    arguments = [ODD, *arguments]
    one = Schedule("/p.xlsx", (sys.executable, "-c", show, *arguments), "/usr", "day", time(6))
    command = line_of(one).split(maxsplit=5)[5]
    # What cron does before it calls the shell: the first plain % would end the command.
    assert "%" not in command.replace("\\%", "")
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("\\%", "%")], capture_output=True, check=True
    )
    assert json.loads(done.stdout) == ["/usr", *arguments]


@pytest.mark.parametrize(
    ("every", "fields"),
    [("hour", "3? * * * *"), ("day", "3? 6 * * *"), ("weekday", "3? 6 * * 1-5")],
)
def test_cron_runs_at_the_time_moved_a_little(every: Every, fields: str) -> None:
    line = line_of(schedule(every=every))
    minute, *others = line.split()[:5]
    assert 30 <= int(minute) < 30 + DELAY_MINUTES
    assert others == fields.split()[1:]


def test_machines_and_workbooks_are_moved_apart_but_never_out_of_the_day() -> None:
    def moved(machine: str, every: Every, at: time) -> time:
        return Schedule("/p.xlsx", ("/x",), "/", every, at, machine).moved

    names = [str(number) for number in range(100)]
    minutes = {moved(name, "day", time(6, 30)).minute for name in names}
    assert minutes == set(range(30, 40))
    assert moved("0", "day", time(6, 30)) == moved("0", "day", time(6, 30))
    assert {moved(name, "weekday", time(23, 55)).hour for name in names} == {23}
    assert {moved(name, "hour", time(6, 55)).minute for name in names} > {0, 56}


lines = st.lists(
    st.one_of(
        st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=40),
        st.just(f"# 1 2 * * * x # klarify-xl schedule {name_of('/srv/data/p.xlsx')}"),
        st.just("1 2 * * * x # klarify-xl schedule other-00000000"),
    ),
    max_size=6,
)


@given(lines, st.sampled_from(["", "\n"]))
def test_lines_of_others_are_left_alone(others: list[str], end: str) -> None:
    before = "\n".join(others) + end
    one = schedule()
    once = with_line(before, one)
    assert once.startswith(before)
    assert once.endswith(f"{line_of(one)}\n")
    changed = schedule("--full", every="hour")
    assert with_line(once, changed) == once.replace(line_of(one), line_of(changed))
    assert without_line(once, one.name).rstrip("\n") == before.rstrip("\n")
    assert without_line(before, one.name) == before


def test_a_line_that_cron_would_cut_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="999"):
        line_of(schedule("--out", "/" + "x" * 1000))


@pytest.mark.parametrize("every", EVERY)
def test_launchd_gets_the_keys_that_it_knows(every: Every) -> None:
    keys = plistlib.loads(agent(schedule("--out", ODD, every=every)))
    assert keys["Label"].endswith(schedule().name)
    assert keys["ProgramArguments"][-2:] == ["--out", ODD]
    assert keys["WorkingDirectory"] == "/srv/data"
    intervals = keys["StartCalendarInterval"]
    known = {"Minute": range(60), "Hour": range(24), "Weekday": range(8)}
    for interval in intervals:
        assert all(value in known[name] for name, value in interval.items())
    assert len(intervals) == {"hour": 1, "day": 1, "weekday": 5}[every]
    # launchd.plist(5) knows these; a misspelt key would be ignored in silence.
    assert set(keys) <= {
        *("Label", "ProgramArguments", "WorkingDirectory", "StartCalendarInterval"),
        *("ProcessType", "StandardOutPath", "StandardErrorPath"),
    }


@pytest.mark.parametrize("every", EVERY)
def test_windows_tasks_obey_the_schema(every: Every) -> None:
    plain = ODD.replace("%", "")
    content = task(schedule("--out", plain, every=every), date(2026, 3, 1))
    assert content.startswith((b"\xff\xfe", b"\xfe\xff"))
    root = etree.fromstring(content)
    etree.XMLSchema(file=str(SCHEMA)).assertValid(root)
    found = root.findtext("t:Actions/t:Exec/t:Arguments", namespaces=TASK) or ""
    assert found.endswith(subprocess.list2cmdline([plain]))
    assert root.findtext("t:Settings/t:StartWhenAvailable", namespaces=TASK) == "true"
    trigger = root.find("t:Triggers/t:CalendarTrigger", TASK)
    assert trigger is not None
    assert trigger.findtext("t:RandomDelay", namespaces=TASK) == "PT10M"
    start = trigger.findtext("t:StartBoundary", namespaces=TASK)
    assert start == {"hour": "2026-03-01T00:30:00"}.get(every, "2026-03-01T06:30:00")
    assert len(trigger.findall(".//t:DaysOfWeek/*", TASK)) == (5 if every == "weekday" else 0)
    assert (trigger.find("t:Repetition", TASK) is not None) == (every == "hour")


def test_windows_would_take_a_percent_sign_for_a_variable() -> None:
    with pytest.raises(ConfigurationError, match="%"):
        task(schedule("--out", "/100% sure.xlsx"), date(2026, 3, 1))


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x00b", "a\u2028b", "\udce9"])
def test_what_no_line_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="control character"):
        schedule("--out", text)


@given(paths)
def test_names_are_plain_and_each_workbook_has_its_own(path: str) -> None:
    name = name_of(f"{path}.xlsx")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(name) <= 39
    assert name != name_of(f"{path}x.xlsx")


@pytest.mark.parametrize("text", ["6", "24:00", "06:60", "6:3", "06:30:00", "half past", ""])
def test_a_wrong_time_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"06:30|time of day"):
        parse_time(text)


@on_posix
def test_a_dry_run_shows_everything_and_does_nothing(home: Path, tmp_path: Path) -> None:
    for kind in ("systemd", "launchd", "windows"):
        done = install(kind, "--dry-run", "--yes")
        assert done.returncode == 0, done.stderr
        assert str(tmp_path / "p.xlsx") in done.stdout
        assert "--quiet" in done.stdout
        assert "SECRETKEY" not in done.stdout
        assert not home.exists()
    assert not any("reload" in one or "boot" in one or "Create" in one for one in calls(tmp_path))


@on_posix
def test_nothing_is_done_without_a_yes(home: Path, tmp_path: Path) -> None:
    done = install("systemd")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert "OnCalendar" in done.stdout
    assert not home.exists()
    assert calls(tmp_path) == []


@on_posix
def test_systemd_units_come_are_shown_and_go(home: Path, tmp_path: Path) -> None:
    folder = home / ".config" / "systemd" / "user"
    folder.mkdir(parents=True)
    foreign = folder / "klarify-xl-mine.timer"
    foreign.write_text("[Timer]\n", encoding="utf-8")
    name = f"klarify-xl-{name_of(str(tmp_path / 'p.xlsx'))}"
    assert install("systemd", "--yes", "--at", "05:15").returncode == 0
    again = install("systemd", "--yes", "--at", "07:45", "--every", "day")
    assert again.returncode == 0
    present = {one.name for one in folder.iterdir()}
    assert present == {foreign.name, f"{name}.service", f"{name}.timer"}
    assert "OnCalendar=*-*-* 07:45:00" in (folder / f"{name}.timer").read_text(encoding="utf-8")
    assert calls(tmp_path)[-2:] == [
        f"systemctl --user enable {name}.timer",
        f"systemctl --user restart {name}.timer",
    ]
    shown = call("schedule", "show", "--kind", "systemd")
    assert "07:45" in shown.stdout
    assert "mine" not in shown.stdout
    gone = call("schedule", "remove", "--out", "p.xlsx", "--kind", "systemd", "--yes")
    assert gone.returncode == 0
    assert [one.name for one in folder.iterdir()] == [foreign.name]
    again = call("schedule", "remove", "--out", "p.xlsx", "--kind", "systemd", "--yes")
    assert (again.returncode, again.stdout) == (0, "There is no schedule.\n")


@on_posix
def test_a_unit_of_that_name_that_is_not_ours_is_left_alone(home: Path, tmp_path: Path) -> None:
    folder = home / ".config" / "systemd" / "user"
    folder.mkdir(parents=True)
    foreign = folder / f"klarify-xl-{name_of(str(tmp_path / 'p.xlsx'))}.timer"
    foreign.write_text("[Timer]\n", encoding="utf-8")
    done = install("systemd", "--yes")
    assert done.returncode == 12
    removed = call("schedule", "remove", "--out", "p.xlsx", "--kind", "systemd", "--yes")
    assert "There is no schedule" in removed.stdout
    assert foreign.read_text(encoding="utf-8") == "[Timer]\n"


@on_posix
def test_a_scheduler_that_refuses_is_told(home: Path, tmp_path: Path) -> None:
    del home
    file = tmp_path / "programs" / "systemctl"
    file.write_text("#!/bin/sh\necho 'No bus.' >&2\nexit 1\n", encoding="utf-8")
    done = install("systemd", "--yes")
    assert done.returncode == 12
    assert "No bus." in done.stderr
    assert "schedule remove" in done.stderr
    assert (
        call("schedule", "remove", "--out", "p.xlsx", "--kind", "systemd", "--yes").returncode == 0
    )


@on_posix
def test_a_launchd_agent_comes_and_goes(home: Path, tmp_path: Path) -> None:
    assert install("launchd", "--yes").returncode == 0
    (file,) = (home / "Library" / "LaunchAgents").iterdir()
    assert plistlib.loads(file.read_bytes())["WorkingDirectory"] == str(tmp_path)
    assert calls(tmp_path)[-1].startswith("launchctl bootstrap gui/")
    assert str(tmp_path / "p.xlsx") in call("schedule", "show", "--kind", "launchd").stdout
    assert (
        call("schedule", "remove", "--out", "p.xlsx", "--kind", "launchd", "--yes").returncode == 0
    )
    assert not file.exists()
    assert calls(tmp_path)[-1].startswith("launchctl bootout gui/")


@on_posix
def test_a_windows_task_is_handed_over_as_xml(home: Path, tmp_path: Path) -> None:
    del home
    file = tmp_path / "programs" / "schtasks"
    file.write_text(
        f'#!/bin/sh\necho "$*" >> "{tmp_path}/calls"\n'
        f'case "$1" in /Create) cp "$5" "{tmp_path}/kept.xml";; /Query) exit 1;; esac\n',
        encoding="utf-8",
    )
    assert install("windows", "--yes").returncode == 0
    etree.XMLSchema(file=str(SCHEMA)).assertValid(etree.parse(tmp_path / "kept.xml"))
    name = name_of(str(tmp_path / "p.xlsx"))
    created = calls(tmp_path)[-1]
    assert created.startswith(f"/Create /TN \\klarify-xl\\{name} /XML ")
    assert created.endswith(" /F")
    assert not Path(created.split()[4]).exists()


@on_posix
def test_the_real_crontab_keeps_every_other_line(crontab: str) -> None:
    others = "# mine, Ümläute\nMAILTO=me\n0 1 * * * echo 100\\% # klarify-xl schedule\n"
    subprocess.run([crontab, "-"], input=others, encoding="utf-8", check=True)

    def present() -> str:
        return subprocess.run(
            [crontab, "-l"], capture_output=True, encoding="utf-8", check=True
        ).stdout

    dry = install("cron", "--dry-run")
    assert "MAILTO" not in dry.stdout
    assert present() == others
    for at in ("05:10", "06:20"):
        done = install("cron", "--yes", "--at", at, "--every", "weekday")
        assert done.returncode == 0, done.stderr
    assert present().startswith(others)
    (line,) = present().removeprefix(others).splitlines()
    assert line.split()[1:5] == ["6", "*", "*", "1-5"]
    shown = call("schedule", "show")
    assert line in shown.stdout
    assert call("schedule", "remove", "--out", "other.xlsx", "--yes").returncode == 0
    assert line in present()
    assert call("schedule", "remove", "--out", "p.xlsx", "--yes").returncode == 0
    assert present() == others


@on_posix
def test_the_line_in_the_real_crontab_refreshes_the_workbook(
    crontab: str, server: DemoServer, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(server.access_key, encoding="utf-8")
    more = {"KLARIFY_BASE_URL": server.url}
    assert install("cron", "--yes", "--status-file", "100%.json", **more).returncode == 0
    listed = subprocess.run([crontab, "-l"], capture_output=True, encoding="utf-8", check=True)
    command = listed.stdout.split(maxsplit=5)[5].replace("\\%", "%")
    root = Path(__file__).parent.parent
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        # As little as cron gives.
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(root)},
        cwd="/",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Path("p.xlsx").exists()
    assert call("status", "--status-file", "100%.json").returncode == 0
    assert server.access_key not in listed.stdout


@on_posix
def test_a_crontab_that_can_not_be_read_is_not_replaced(home: Path, tmp_path: Path) -> None:
    del home
    file = tmp_path / "programs" / "crontab"
    text = f'#!/bin/sh\necho "crontab $*" >> "{tmp_path}/calls"\necho "not allowed" >&2\nexit 1\n'
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    done = install("cron", "--yes")
    assert done.returncode == 12
    assert "not allowed" in done.stderr
    assert calls(tmp_path) == ["crontab -l"]


@on_posix
def test_one_kind_takes_the_place_of_another(crontab: str) -> None:
    assert install("cron", "--yes").returncode == 0
    assert install("systemd", "--yes").returncode == 0
    listed = subprocess.run([crontab, "-l"], capture_output=True, encoding="utf-8", check=True)
    assert "klarify" not in listed.stdout


@on_posix
def test_all_options_of_refresh_are_passed_on_with_whole_paths(home: Path, tmp_path: Path) -> None:
    del home
    done = install(
        *("systemd", "--dry-run", "--format", "csv", "--format", "xlsx", "--map", "x y"),
        *("--log-file", "logs/k.log", "--store", "../s.db", "--log-json", "--backup"),
        KLARIFY_BASE_URL="https://klarify.example/",
    )
    (line,) = [one for one in done.stdout.splitlines() if "ExecStart" in one]
    words = shlex.split(line.partition("=")[2])
    assert words[:5] == [sys.executable, "-P", "-m", "klarify_xl", "refresh"]
    assert words[5:] == [
        *("--out", str(tmp_path / "p.xlsx"), "--format", "csv", "--format", "xlsx"),
        *("--store", str(tmp_path / "../s.db"), "--key-file", str(tmp_path / "key"), "--backup"),
        *("--map", "x y", "--log-file", str(tmp_path / "logs/k.log"), "--log-json"),
        *("--base-url", "https://klarify.example", "--tell-failure"),
    ]


@on_posix
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--accept-removals",), "--accept-removals is not for schedules"),
        (("--exit-unchanged",), "--exit-unchanged is not for schedules"),
        (("--bogus",), "--bogus"),
        (("--at", "25:00"), "--at 25:00"),
        (("--every", "year"), "--every"),
        (("--kind", "fax"), "--kind"),
    ],
)
def test_what_makes_no_sense_is_refused(home: Path, arguments: tuple[str, ...], told: str) -> None:
    done = install("systemd", "--yes", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert not home.exists()


@on_posix
def test_a_key_that_a_schedule_would_not_see_is_refused(home: Path, tmp_path: Path) -> None:
    arguments = ("schedule", "install", "--out", "p.xlsx", "--kind", "systemd", "--yes")
    done = call(*arguments, KLARIFY_API_KEY="SECRETKEY")
    assert done.returncode == 2
    assert str(tmp_path / ".env") in done.stderr
    assert call(*arguments).returncode == 2
    assert not home.exists()
    (tmp_path / ".env").write_text("KLARIFY_API_KEY=SECRETKEY\n", encoding="utf-8")
    fine = call(*arguments, KLARIFY_WEBHOOK="https://hooks.example/SECRET")
    assert fine.returncode == 0
    assert "KLARIFY_WEBHOOK stand" in fine.stdout
    for file in home.rglob("*.*"):
        if file.is_file():
            assert "SECRET" not in file.read_text(encoding="utf-8")
    assert "SECRET" not in fine.stdout + fine.stderr + done.stderr


@on_posix
def test_a_system_without_a_scheduler_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bare"))
    done = call("schedule", "install", "--out", "p.xlsx", "--yes", KLARIFY_API_KEY="x")
    assert done.returncode == 2
    assert "no scheduler" in done.stderr


def test_an_error_of_a_scheduler_is_an_os_error() -> None:
    assert issubclass(ScheduleError, OSError)
