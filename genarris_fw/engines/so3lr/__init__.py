"""SO3LR, for ranking."""

from genarris_fw.engines.so3lr.engine import SO3LREngine

__all__ = ["SO3LREngine"]
