"""Too many requests at once are refused with a remedy, those who watch are answered, and room comes back by itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from adapters.settings import Settings
from adapters.telemetry.counting import all_numbers
from serving_layer.http.bodies import Limits
from tests.kit.serving import fill, problem, serving
from tests.kit.waiting import until

UNREACHED = "/items/x1?at_least=0:99999999&wait=5s"  # waits without holding a thread


def shed() -> float:
    return sum(all_numbers().get(("millrace_http_shed_total", ("requests",)), (0.0,)))


def test_requests_beyond_the_limit_are_refused_until_others_have_ended(tmp_path: Path) -> None:
    world, before = fill(tmp_path / "shop"), shed()
    settings = Settings.of(home=tmp_path / "shop", kafka="127.0.0.1:1")
    with serving(settings, Limits(under_way=3)) as client, ThreadPoolExecutor(8) as clients:
        until(lambda: client.get("/trending").status_code == 200)
        waiting = [clients.submit(client.get, UNREACHED) for _ in range(8)]
        until(lambda: sum(asked.done() for asked in waiting) == 5)
        refused = [asked.result() for asked in waiting if asked.done()]
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert "send it again" in problem(refused[0], 503)["detail"]
        root = f"http://127.0.0.1:{client.base_url.port}"
        assert client.get(f"{root}/metrics").status_code == 200
        assert client.get(f"{root}/health").status_code == 200
        assert client.get("/trending").status_code == 200  # from memory
        assert client.get("/items/x1").status_code == 503
        assert [asked.result().status_code for asked in waiting] == [503] * 8  # those that waited: not yet
        assert client.get("/items/x1").status_code == 200
        assert shed() == before + 6
    world.batch.close()
    world.speed.close()
