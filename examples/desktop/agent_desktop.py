"""An agent's desktop: a native window whose web part runs plugins. ``python agent_desktop.py``, with PyQt6-WebEngine.

``--try shot.png`` scores once, saves a picture of the window, prints what happened as one JSON line, and ends.
``--selftest shot.png`` does so with the self-test, which tries the walls in this window.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from native import Native
from PyQt6 import sip
from PyQt6.QtCore import QFile, QIODevice, QTimer, QUrl
from PyQt6.QtWebChannel import QWebChannel
from PyQt6.QtWebEngineCore import (
    QWebEngineFrame,
    QWebEnginePage,
    QWebEngineProfile,
    QWebEngineScript,
    QWebEngineSettings,
)
from PyQt6.QtWebEngineWidgets import QWebEngineView
from PyQt6.QtWidgets import QApplication, QLabel, QMainWindow, QVBoxLayout, QWidget

from pysandbox.gateway.selftest import ATTACKER
from pysandbox.gateway.serve import DevServer

HERE = Path(__file__).parent
PLUGIN = HERE.parent / "risk_scoring"
TRY_WITHIN_MS = 60_000
PAINTED_MS = 500
"""Until the window shows what the page has painted. The picture is to be looked at; nothing is judged by it."""
Attribute = QWebEngineSettings.WebAttribute
OFF = (
    Attribute.LocalContentCanAccessRemoteUrls, Attribute.LocalContentCanAccessFileUrls,
    Attribute.JavascriptCanOpenWindows, Attribute.JavascriptCanAccessClipboard, Attribute.PluginsEnabled,
    Attribute.AllowRunningInsecureContent, Attribute.AllowWindowActivationFromJavaScript,
    Attribute.ScreenCaptureEnabled, Attribute.DnsPrefetchEnabled)  # fmt: skip


class WalledPage(QWebEnginePage):
    """Shows one page, and frames within it whose address begins with one of ``inner``. Goes nowhere else, and grants
    nothing."""

    def __init__(self, profile: QWebEngineProfile, home: QUrl, inner: tuple[str, ...]) -> None:
        super().__init__(profile)
        self.home, self.inner = home, inner
        self.refused: list[str] = []
        for attribute in OFF:
            self.settings().setAttribute(attribute, False)
        self.permissionRequested.connect(lambda permission: permission.deny())
        profile.downloadRequested.connect(lambda download: download.cancel())

    def acceptNavigationRequest(self, url: QUrl, kind: QWebEnginePage.NavigationType, isMainFrame: bool) -> bool:  # noqa: ARG002, N802, N803
        allowed = url == self.home if isMainFrame else url.toString().startswith(self.inner)
        if not allowed:
            self.refused.append(url.toString())
        return allowed

    def createWindow(self, kind: QWebEnginePage.WebWindowType) -> None:  # noqa: ARG002, N802
        self.refused.append("a window")


def bridge(page: QWebEnginePage, native: Native) -> QWebChannel:
    """Gives the page, and no frame in it, the native object ``native``."""
    source = QFile(":/qtwebchannel/qwebchannel.js")
    source.open(QIODevice.OpenModeFlag.ReadOnly)
    script = QWebEngineScript()
    script.setSourceCode(bytes(source.readAll().data()).decode())
    script.setInjectionPoint(QWebEngineScript.InjectionPoint.DocumentCreation)
    script.setWorldId(QWebEngineScript.ScriptWorldId.MainWorld)
    script.setRunsOnSubFrames(False)
    page.scripts().insert(script)
    channel = QWebChannel(page)
    channel.registerObject("native", native)
    page.setWebChannel(channel)
    return channel


class Desktop(QMainWindow):
    """The window: a native line above, the page below."""

    def __init__(self, server: DevServer, profile: QWebEngineProfile, *, selftest: bool) -> None:
        super().__init__()
        self.native = Native(server.token, server.sandbox_origin)
        home, inner = QUrl(f"{server.api_origin}/pages/index.html"), (f"{server.sandbox_origin}/",)
        if selftest:
            home = QUrl(f"{server.api_origin}/selftest#token={server.token}")
            inner = (*inner, f"{server.api_origin}/selftest/frame.html")
        self.page = WalledPage(profile, home, inner)
        self.channel = bridge(self.page, self.native)
        view, told = QWebEngineView(), QLabel("No plugin has asked for anything yet.")
        view.setPage(self.page)
        self.native.asked.connect(told.setText)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.addWidget(told)
        layout.addWidget(view, 1)
        self.setCentralWidget(body)
        self.setWindowTitle("Agent desktop")
        self.resize(760, 520)
        self.page.load(home)


def try_once(window: Desktop, picture: Path) -> None:
    """When the page has scored: the picture, one JSON line, and the end. Asks each frame whether it has the bridge."""
    frames = "[self.origin, typeof qt, typeof QWebChannel].join(' ')"

    def scored(text: str) -> None:
        found: list[str] = []
        waiting = every_frame(window.page.mainFrame())

        def answered(frame: object) -> None:
            found.append(str(frame))
            if len(found) == len(waiting):
                told = {**json.loads(text), "frames": found}
                QTimer.singleShot(PAINTED_MS, lambda: finish(told))

        for frame in waiting:
            frame.runJavaScript(frames, answered)

    def finish(told: dict[str, object]) -> None:
        window.grab().save(str(picture))
        print(json.dumps({**told, "asked": window.native.log, "refused": window.page.refused}), flush=True)
        QApplication.exit(0)

    window.native.scored.connect(scored)
    QTimer.singleShot(TRY_WITHIN_MS, lambda: QApplication.exit(1))


def try_walls(window: Desktop, picture: Path) -> None:
    """When the self-test has its report: the picture, the report as one JSON line, and the end."""
    timer = QTimer(window)

    def looked(report: object) -> None:
        if report and timer.isActive():
            timer.stop()
            QTimer.singleShot(PAINTED_MS, lambda: finish(str(report)))

    def finish(report: str) -> None:
        window.grab().save(str(picture))
        print(report, flush=True)
        QApplication.exit(0)

    timer.timeout.connect(lambda: window.page.runJavaScript("JSON.stringify(globalThis.selftest)", looked))
    timer.start(PAINTED_MS)
    QTimer.singleShot(TRY_WITHIN_MS, lambda: QApplication.exit(1))


def every_frame(frame: QWebEngineFrame) -> list[QWebEngineFrame]:
    """The frame, and all that are in it."""
    return [frame, *(inner for child in frame.children() for inner in every_frame(child))]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--try", dest="picture", type=Path, help="score once, save a picture, and end")
    parser.add_argument("--selftest", type=Path, help="try the walls, save a picture, and end")
    arguments = parser.parse_args()
    app = QApplication(sys.argv[:1])
    with DevServer([PLUGIN, ATTACKER], pages=HERE / "page") as server:
        profile = QWebEngineProfile()  # without a name: nothing is kept on disk
        window = Desktop(server, profile, selftest=arguments.selftest is not None)
        window.show()
        if arguments.picture:
            try_once(window, arguments.picture)
        if arguments.selftest:
            try_walls(window, arguments.selftest)
        code = app.exec()
        sip.delete(window.page)  # before its profile
        return code


if __name__ == "__main__":
    sys.exit(main())
