"""A picture: how wide the beds are."""

from matplotlib.figure import Figure

from genarris_fw.pictures import PoolData, PoolPicture, histogram


def draw(pool: PoolData) -> Figure:
    """Return the histogram of the cells' first lengths."""
    return histogram(pool.sets(pool.property("a"), "cell"), "width of the bed (Å)")


WIDTHS = PoolPicture(draw=draw)
