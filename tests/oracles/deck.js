(async () => {
  const out = [], frame = () => new Promise(requestAnimationFrame);
  const box = (element) => element.getBoundingClientRect();
  const inside = (one, room) =>
    one.left >= room.left - 1 && one.right <= room.right + 1 && one.top >= room.top - 1 && one.bottom <= room.bottom + 1;
  const meet = (a, b) => a.right - b.left > 1 && b.right - a.left > 1 && a.bottom - b.top > 1.5 && b.bottom - a.top > 1.5;
  for (const slide of document.querySelectorAll(".slide")) {
    const wrong = (what, element) => out.push(`${slide.id}: ${what}: <${element.tagName}> ${element.textContent.slice(0, 80)}`);
    const apart = (elements, what) => elements.forEach((one, k) => elements.slice(k + 1).forEach((other) => {
      if (meet(box(one), box(other))) wrong(`two ${what} overlap`, one);
    }));
    location.hash = slide.id;
    await frame();
    await frame();
    if (!slide.classList.contains("current")) wrong("not shown", slide);
    const page = box(slide), body = slide.querySelector(".body");
    if (Math.abs(page.width - innerWidth) > 1 || Math.abs(page.height - innerHeight) > 1) wrong("not as large as the window", slide);
    for (const element of slide.querySelectorAll("h2, .body, .body *, .foot"))
      if (element.getClientRects().length && !element.closest("defs, svg *, .notes") && !inside(box(element), page))
        wrong("outside the page", element);
    if (!body) continue;
    if (Number(body.style.getPropertyValue("--fit") || 1) < 0.9) wrong(`shrunk to ${body.style.getPropertyValue("--fit")}`, body);
    for (const element of body.querySelectorAll("math, p, li, td, th, code, svg, img"))
      if (!inside(box(element), box(body))) wrong("outside the body", element);
    apart([slide.querySelector("h2"), ...body.children], "blocks");
    for (const steps of body.querySelectorAll(".steps"))
      apart([...steps.children].flatMap((line) => [...line.children].filter((part) => part.textContent)), "parts of a derivation");
  }
  return out;
})()
