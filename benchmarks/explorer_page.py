"""The explorer's page in a real browser with a large pool.

    python benchmarks/explorer_page.py                          # 10^6 structures (some 6 minutes)
    python benchmarks/explorer_page.py --folder /tmp/kept       # with the database that explorer.py has kept there

The server of benchmarks/explorer.py, its pool read; then a browser that has nothing of it yet opens the pool's address.
The first view is there when the landscape is drawn and the table has its lines: from the request for the page on. Then
a filter is set, and what is drawn and counted follows. The bar: a first view within 2 s. Node, playwright-core and
Chromium are needed, as for the tests (tests/tools/browser.py).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from explorer import POOL, RUN, fill, read_the_pool, start
from farm_table import Bar, machine, quantile, show, write

from genarris_fw.database.server import Server

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "tools"))
from browser import visit

FIRST_VIEW = 2.0  # s
SCRIPT = """
  await page.waitForFunction(() => document.querySelector('#landscape[aria-busy="false"]')
    && document.querySelector('#table tr[data-id]'), null, { polling: 'raf' });
  const first = await page.evaluate(() => performance.now());
  const count = () => document.querySelector('#count b').textContent;
  const before = await page.evaluate(count);
  const began = Date.now();
  await page.evaluate(() => { location.hash += '&where=density:1.2..1.25'; });
  await page.waitForFunction((was) => document.querySelector('#count b').textContent !== was
    && document.querySelector('#landscape[aria-busy="false"]'), before, { polling: 'raf' });
  return { first, filtered: Date.now() - began, before, after: await page.evaluate(count) };
"""


def looked(port: int, times: int) -> list[Bar]:
    first, filtered = [], []
    for _ in range(times):
        seen = visit(
            f"http://127.0.0.1:{port}/#/structures?run={RUN}&pool={POOL}", SCRIPT, size=(1440, 900), patience=120
        )
        print(seen.result, flush=True)
        first.append(seen.result["first"] / 1e3)
        filtered.append(seen.result["filtered"] / 1e3)
    middle, most = quantile(first, 0.5), max(first)
    about = {"times": times, "median_s": round(middle, 2), "longest_s": round(most, 2)}
    after = {"times": times, "median_s": round(quantile(filtered, 0.5), 2), "longest_s": round(max(filtered), 2)}
    return [
        Bar("first view in the browser", "<= 2 s", f"{middle:.2f} s", middle <= FIRST_VIEW, about),
        Bar("a filter in the browser", "none", f"{after['median_s']} s", True, after),
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--number", type=int, default=10**6)
    arguments.add_argument("--times", type=int, default=5)
    arguments.add_argument("--port", type=int, default=8678)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--json", type=Path, default=Path("explorer_page.json"))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch, Server(given.folder or Path(scratch), cache_gb=1.0).use() as uri:
        fill(uri, given.number)
        process = start(uri, given.port)
        try:
            print(f"the pool was read in {read_the_pool(given.port):.1f} s", flush=True)
            bars = looked(given.port, given.times)
        finally:
            process.terminate()
            process.wait()
    for bar in bars:
        show(bar)
    write(bars, given.number < 10**6, given.json)
    print(machine())


if __name__ == "__main__":
    main()
