"""Whole runs in processes of their own: killed, stopped, resumed, spread over two processes."""

import json
import signal

import pytest

import genet5.train.logs as logs

torch      = pytest.importorskip("torch")
checkpoint = pytest.importorskip("genet5.train.checkpoint")
conftest   = pytest.importorskip("conftest")
