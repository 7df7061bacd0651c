"""How much memory there is for this process, by what the system's files say."""

from genarris_fw.memory import memory_here

GB = 10**9


def machine(root, files):
    for name, text in {"proc/meminfo": "MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return memory_here(root)


def test_machine_without_groups(tmp_path):
    assert machine(tmp_path, {}) == 8_000_000 * 1024


def test_group_of_version_2(tmp_path):
    """Files in the cache make way; of nested groups the tightest counts."""
    files = {
        "proc/self/cgroup": "0::/slurm/job_7/step_0\n",
        "sys/fs/cgroup/slurm/job_7/step_0/memory.max": "max\n",
        "sys/fs/cgroup/slurm/job_7/step_0/memory.current": "100\n",
        "sys/fs/cgroup/slurm/job_7/memory.max": "4000000000\n",
        "sys/fs/cgroup/slurm/job_7/memory.current": "1500000000\n",
        "sys/fs/cgroup/slurm/job_7/memory.stat": "anon 900000000\ninactive_file 500000000\nactive_file 7\n",
        "sys/fs/cgroup/slurm/memory.max": "64000000000\n",
        "sys/fs/cgroup/slurm/memory.current": "1500000000\n",
    }
    assert machine(tmp_path, files) == 3 * GB
    files["sys/fs/cgroup/slurm/job_7/step_0/memory.max"] = "2000000100\n"
    assert machine(tmp_path, files) == 2 * GB


def test_group_of_version_1(tmp_path):
    files = {
        "proc/self/cgroup": "8:pids:/\n4:cpuset,memory:/job:7\n0::/\n",
        "sys/fs/cgroup/memory/job:7/memory.limit_in_bytes": "2000000000\n",
        "sys/fs/cgroup/memory/job:7/memory.usage_in_bytes": "700000000\n",
        "sys/fs/cgroup/memory/job:7/memory.stat": "inactive_file 1\ntotal_inactive_file 200000000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "5000000000\n",
    }
    assert machine(tmp_path, files) == 1_500_000_000
    files["sys/fs/cgroup/memory/job:7/memory.usage_in_bytes"] = "2500000000\n"
    assert machine(tmp_path, files) == 0


def test_container_sees_its_group_at_the_top(tmp_path):
    files = {
        "proc/self/cgroup": "0::/kubepods/pod1\n",
        "sys/fs/cgroup/memory.max": "1000000000\n",
        "sys/fs/cgroup/memory.current": "400000000\n",
    }
    assert machine(tmp_path, files) == 600_000_000
