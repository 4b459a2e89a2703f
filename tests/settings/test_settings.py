import pytest

from chatkeep.errors import ConfigError, InvalidUrlError
from chatkeep.settings import Settings, check_url, load_object, redact_url


@pytest.fixture(autouse=True)
def _no_url(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)


def test_defaults_without_any_file(tmp_path):
    settings = Settings.load(tmp_path)
    assert settings.migrations == tmp_path / "drizzle"
    assert settings.embedded_root == tmp_path / ".chatkeep"
    assert (settings.schema, settings.url, settings.tables_filter) == (None, None, ())


def test_file_of_a_parent_folder_is_found(tmp_path):
    (tmp_path / "chatkeep.toml").write_text('schema = "app:schema"\nmigrations = "db/steps"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings = Settings.load(inner)
    assert settings.root == tmp_path
    assert settings.migrations == tmp_path / "db" / "steps"


def test_pyproject_without_our_table_is_passed_over(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.chatkeep]\ntables_filter = ["x_*"]\n')
    inner = tmp_path / "a"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'a'\n")
    assert Settings.load(inner).tables_filter == ("x_*",)


def test_chatkeep_toml_wins_over_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.chatkeep]\nschema = "a:b"\n')
    (tmp_path / "chatkeep.toml").write_text('schema = "c:d"\n')
    assert Settings.load(tmp_path).schema == "c:d"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "unknown setting `colour`"),
        ("schema = 1", "`schema` is not a text"),
        ("tables_filter = [1]", "`tables_filter` is not a list of texts"),
        ("schema = ", "cannot be read"),
        ('url = "postgresql://u:hunter2@h/d"', "DATABASE_URL"),
    ],
)
def test_wrong_file_is_refused_by_name(tmp_path, text, message):
    (tmp_path / "chatkeep.toml").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        Settings.load(tmp_path)
    assert "chatkeep.toml" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_argument_wins_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/from_environment")
    assert Settings.load(tmp_path).url == "postgresql://h/from_environment"
    assert Settings.load(tmp_path, url="postgresql://h/x").url == "postgresql://h/x"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:p%40ss@host:5432/name",
        "postgres://host",
        "postgresql:///name?host=/run/x",
        "postgresql://user@%2Frun%2Fx%2C/name",
        "postgresql://[::1]:5432/name",
        "postgresql://a:1,b:2/name",
    ],
)
def test_url_that_is_fine_stays_as_it_is(url):
    assert check_url(url) == url


def test_driver_of_sqlalchemy_is_taken_off():
    assert check_url("postgresql+asyncpg://u:p@h/d") == "postgresql://u:p@h/d"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@h/d",
        "hunter2",
        "postgresql:hunter2",
        "postgresql://u:hunter2/x@h/d",
        "postgresql://u:hunter2#x@h/d",
        "postgresql://u:hunter2?x@h/d",
        "postgresql://u:hunter2 x@h/d",
        "postgresql://u:hunter2%x@h/d",
        "postgresql://u:hunter2@h:99999/d",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u:hunter2@[::1/d",
        "postgresql://u:hunter2@h/a/b",
        "postgresql://u:hunter2@h/d%00",
        "postgresql://h/d?password=hunter2&x",
    ],
)
def test_url_that_cannot_be_read_is_refused_without_its_password(url):
    with pytest.raises(InvalidUrlError) as caught:
        check_url(url)
    seen = caught.value
    while seen is not None:
        assert "hunter2" not in f"{seen} {seen!r}"
        seen = seen.__cause__ or seen.__context__


def test_redacted_url_shows_all_but_the_password():
    assert redact_url("postgresql://u:hunter2@h:1/d?x=1") == "postgresql://u:***@h:1/d?x=1"
    assert "hunter2" not in redact_url("postgresql://h/d?user=u&password=hunter2")
    assert "hunter2" not in redact_url("postgresql://u:a@hunter2@h/d")


def test_object_is_loaded_from_the_project(tmp_path):
    (tmp_path / "settings_case_one.py").write_text("class A:\n    x = 5\n")
    assert load_object("settings_case_one:A.x", tmp_path) == 5


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nonsense", "package.module:name"),
        ("a-b:c", "package.module:name"),
        ("no_such_module_here:x", "no module `no_such_module_here`"),
        ("settings_case_two:missing", "no `missing`"),
        ("settings_case_three:x", "ZeroDivisionError"),
        ("settings_case_four:x", "No module named 'absent_thing'"),
    ],
)
def test_wrong_reference_is_told(tmp_path, reference, message):
    (tmp_path / "settings_case_two.py").write_text("")
    (tmp_path / "settings_case_three.py").write_text("1 / 0")
    (tmp_path / "settings_case_four.py").write_text("import absent_thing")
    with pytest.raises(ConfigError, match=message):
        load_object(reference, tmp_path)


def test_error_of_a_module_does_not_repeat_what_may_be_secret(tmp_path):
    (tmp_path / "settings_case_five.py").write_text("raise ValueError('hunter2')")
    with pytest.raises(ConfigError) as caught:
        load_object("settings_case_five:x", tmp_path)
    assert "hunter2" not in str(caught.value)


def test_module_of_another_project_is_not_taken_for_ours(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings_case_six.py").write_text(f"x = '{name}'")
    assert load_object("settings_case_six:x", tmp_path / "one") == "one"
    with pytest.raises(ConfigError, match="was loaded from"):
        load_object("settings_case_six:x", tmp_path / "two")
