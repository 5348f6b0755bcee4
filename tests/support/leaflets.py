"""Leaflets whose passages mean something else without what stands before them."""

AFTER_MOLE = """<!doctype html><html lang="en"><head><title>After a mole is removed</title></head><body><main>
<h1>After a mole is removed</h1><p>The stitches come out after a week.</p>
<h2>Do</h2><ul><li>keep the plaster on overnight</li><li>pat the skin dry</li></ul>
<h2>Don't</h2><ul><li>swim in the sea or a pool</li><li>scrub the skin with a brush</li></ul>
</main></body></html>"""

TEETH = (
    "# The day your wisdom teeth come out\n\n## Getting ready\n\nDo not bring any of these to the ward:\n\n"
    + "".join(
        f"- {thing}\n"
        for thing in (
            "a large suitcase or a bag on wheels",
            "rings, watches and other things of gold",
            "more than twenty dollars in cash",
            "flowers, as the other patients may be allergic",
            "food that has to stay in a refrigerator",
            "a heater or a kettle of your own",
            "candles, matches or a lighter",
            "a fan without a safety mark",
            "pets, also small ones in a cage",
            "balloons made of latex",
            "a television or a loudspeaker",
            "scissors with pointed ends",
            "perfume or strong aftershave",
            "alcohol in any bottle",
            "bedding from home",
            "a bicycle, a scooter or a skateboard",
            "tools such as a hammer or a drill",
            "plants in a pot with soil",
            "a musical instrument that others would hear",
            "your own sheets, pillows or mattress",
            "sweets that you mean to share",
            "more books than fit on the small table beside your bed",
            "fireworks left from the holidays",
        )
    )
)

DROPS = "# Eye drops\n\n| Drops | Morning | Evening |\n|---|---|---|\n" + "".join(
    f"| {name} | one drop in each eye after washing | two drops before you go to sleep |\n"
    for name in ("Amber", "Birch", "Cedar", "Dahlia", "Elder", "Fern", "Ginger", "Hazel", "Iris", "Juniper", "Lilac")
)
