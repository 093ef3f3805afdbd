"""How the HTML report looks: light, dark, on paper and on a phone, without anything from elsewhere."""

from typing import Final

LIGHT: Final = {
    "back": "#ffffff", "card": "#f6f7f9", "text": "#1c2128", "dim": "#57606a", "frame": "#d0d7de",
    "link": "#0a58ca", "critical": "#a40e26", "error": "#b42318", "warning": "#8a5300", "info": "#0b5394",
    "good": "#116329", "mark": "#7b3fb3",
    "c0": "#0969da", "c1": "#b35900", "c2": "#1a7f37", "c3": "#8250df", "c4": "#cf222e", "c5": "#0f7285",
    "c6": "#97266d", "c7": "#6e5a00",
}  # fmt: skip
"""Role to colour; ``c0`` to ``c7`` are lines of charts."""
DARK: Final = {
    "back": "#0f141a", "card": "#171d25", "text": "#e3e9ef", "dim": "#9aa7b4", "frame": "#323c48",
    "link": "#6cb6ff", "critical": "#ff8a8a", "error": "#ff8f80", "warning": "#e3b341", "info": "#79c0ff",
    "good": "#56d38a", "mark": "#d2a8ff",
    "c0": "#6cb0f5", "c1": "#eb9c5c", "c2": "#4fc08d", "c3": "#c39af0", "c4": "#ff7b72", "c5": "#5cc8d7",
    "c6": "#f28fb5", "c7": "#d9c26a",
}  # fmt: skip
_DASHES: Final = ("none", "6 2", "2 2", "8 2 2 2")


def css() -> str:
    """The style sheet."""
    lines = "".join(
        f".line.c{place}{{stroke:var(--c{place})}}.band.c{place},.letter.c{place}{{fill:var(--c{place})}}"
        for place in range(8)
    )
    dashes = "".join(f".line.d{place}{{stroke-dasharray:{dash}}}" for place, dash in enumerate(_DASHES))
    roles = "".join(
        f".{role}{{color:var(--{role})}}rect.{role}{{fill:var(--{role})}}"
        for role in ("critical", "error", "warning", "info", "good", "mark")
    )
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
        f"{_PAGE}{lines}{dashes}{roles}"
        f"@media print{{:root{{color-scheme:light;{_variables(LIGHT)}}}{_PRINT}}}"
    )


def _variables(colors: dict[str, str]) -> str:
    return "".join(f"--{role}:{color};" for role, color in colors.items())


_PAGE: Final = (
    "*{box-sizing:border-box}"
    "body{margin:0 auto;padding:1rem;max-width:84rem;background:var(--back);color:var(--text);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}"
    "h1{font-size:1.6rem;line-height:1.2;margin:.2rem 0 .4rem}"
    "h2{font-size:1.15rem;margin:2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--frame)}"
    "h3{font-size:.95rem;margin:1.2rem 0 .4rem}"
    "p{margin:.4rem 0;max-width:46rem}"
    ".dim,figcaption,.note{color:var(--dim)}"
    ".lead{font-size:1.05rem;max-width:52rem}"
    "b,strong{font-weight:600}"
    "code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}"
    "pre{background:var(--card);border:1px solid var(--frame);border-radius:6px;padding:.6rem .8rem;"
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0}"
    "dl.facts{display:flex;flex-wrap:wrap;gap:.3rem 2rem;margin:.6rem 0}"
    "dl.facts div{min-width:7rem}dl.facts dt{color:var(--dim);font-size:.82rem}dl.facts dd{margin:0}"
    "ol.said{padding-left:1.3rem;max-width:52rem}ol.said li{margin:.35rem 0}"
    ".wide{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%;font-size:.88rem}"
    "th,td{text-align:left;vertical-align:top;padding:.28rem .7rem .28rem 0;border-bottom:1px solid var(--frame);"
    "overflow-wrap:anywhere}"
    "th{color:var(--dim);font-weight:600;white-space:nowrap;overflow-wrap:normal}"
    "td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "td.time{white-space:nowrap}"
    "@media(max-width:40rem){.stack thead{position:absolute;left:-99rem}.stack tr,.stack td{display:block}"
    ".stack tr{border-bottom:1px solid var(--frame);padding:.5rem 0}.stack td{border:0;padding:.1rem 0}"
    ".stack td.time{display:inline-block;padding-right:1rem}.stack td:first-child{float:left;padding-right:.6rem}"
    ".stack td:nth-child(3){clear:left}}"
    "caption{text-align:left;font-weight:600;padding:.6rem 0 .2rem}"
    ".badge{display:inline-block;min-width:1.5rem;padding:0 .35rem;border:1px solid currentColor;"
    "border-radius:4px;text-align:center;font-weight:600}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr));gap:1rem}"
    "figure{margin:0;padding:.6rem .7rem;background:var(--card);border:1px solid var(--frame);border-radius:6px;"
    "min-width:0}"
    "figure h4{margin:0;font-size:.92rem;font-weight:600}"
    "figure table{font-size:.78rem;margin-top:.3rem}figure td,figure th{padding:.1rem .5rem .1rem 0}"
    "figure td:first-child{white-space:nowrap;width:3.2rem}"
    "figure tr:last-child td{border-bottom:0}"
    "svg{display:block}"
    "svg.chart{width:100%;height:auto}svg.swatch{width:22px;height:8px;display:inline-block;vertical-align:middle}"
    "svg text{font:10px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--dim)}"
    "svg.timeline{overflow:visible}svg.timeline text.name{font-size:12px;fill:var(--text)}"
    "svg.timeline text.axis{font-size:11px}"
    ".track{fill:var(--card);stroke:var(--frame)}rect.known{fill:var(--c2)}rect.event{fill:var(--c0)}"
    ".grid{stroke:var(--frame);fill:none;stroke-width:1}"
    ".gap{fill:var(--frame);fill-opacity:.75}rect.missing{fill:var(--error)}"
    ".band{fill:var(--dim);fill-opacity:.1;stroke:none}"
    ".band[class*=' c']{fill-opacity:.22}"
    ".line{fill:none;stroke-width:1.6;stroke-linejoin:round;vector-effect:non-scaling-stroke}"
    ".limit{fill:none;stroke:var(--error);stroke-width:1.2;stroke-dasharray:5 3}"
    "svg text.limit-words{fill:var(--error);font-weight:600}"
    "svg text.letter{font-weight:700;font-size:9px}"
    "details summary{cursor:pointer;padding:.3rem 0;color:var(--link)}"
    "footer{margin-top:2.5rem;padding-top:.6rem;border-top:1px solid var(--frame);color:var(--dim)}"
)
_PRINT: Final = (
    "@page{margin:14mm}body{max-width:none;padding:0;font-size:10.5pt}"
    "h2,h3,h4{break-after:avoid}figure,tr,li,svg{break-inside:avoid}"
    ".charts{grid-template-columns:1fr 1fr}.wide{overflow:visible}"
    "figure,.track,rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "details::details-content{content-visibility:visible;block-size:auto}"
)
