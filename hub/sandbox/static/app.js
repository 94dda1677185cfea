"use strict";

/* The page keeps nothing of its own but the choice of conversation, an open quote and what is
   being typed. Everything else is asked for again whenever the sandbox says that it changed. */

const el = (id) => document.getElementById(id);
const stage = document.querySelector(".stage");
const narrow = window.matchMedia("(max-width: 780px)");
const kept = {
  get(key) { try { return localStorage.getItem("yuqiao." + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem("yuqiao." + key, value); } catch { /* private mode */ } },
};

let state = null;
let quote = null;
let wanted = kept.get("conversation") || "";
let loading = false;
let again = false;
let reading = false;
let lastTyping = 0;

/* --- talking to the sandbox --- */

async function post(path, body) {
  const answer = await fetch("/admin" + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.error || "沙盒没有接受");
  }
  return answer.json();
}

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast("没有成功：" + error.message);
    return null;
  }
}

async function refresh() {
  if (loading) { again = true; return; }
  loading = true;
  try {
    const answer = await fetch("/playground/state?conversation=" + encodeURIComponent(wanted));
    show(await answer.json());
  } catch {
    lamp("lamp-hub", false, "沙盒没有响应");
    lamp("lamp-qq", false, "沙盒没有响应");
  } finally {
    loading = false;
    if (again) { again = false; refresh(); }
  }
}

function listen() {
  const source = new EventSource("/playground/events");
  source.onmessage = refresh;
  source.onerror = () => {
    lamp("lamp-hub", false, "正在重新连接沙盒…");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

/* --- showing --- */

function show(next) {
  const before = state;
  state = next;
  lamp("lamp-hub", next.hub_connected, next.hub_connected ? "鱼桥已连上闲鱼" : "鱼桥还没连上闲鱼");
  lamp("lamp-qq", next.qq_connected, next.qq_connected ? "QQ 已连接" : "QQ 未连接");
  el("bot-state").textContent = next.qq_connected ? "在线" : "离线";
  el("bot-state").className = next.qq_connected ? "on" : "";
  el("hub-link").hidden = !next.hub_url;
  if (next.hub_url) el("hub-link").href = next.hub_url;
  showScan(next.qr);
  showPicker(next);
  showBuyer(next.conversation, before && before.conversation);
  showOperator(next, before);
}

function lamp(id, on, words) {
  const node = el(id);
  node.classList.toggle("on", on);
  node.lastElementChild.textContent = words;
}

function showPicker(next) {
  const picker = el("conversation");
  const shape = JSON.stringify(next.conversations);
  if (picker.dataset.shape !== shape && document.activeElement !== picker) {
    picker.dataset.shape = shape;
    picker.replaceChildren(...next.conversations.map((one) => {
      const option = document.createElement("option");
      const unread = one.unread ? `（${one.unread} 条未读）` : "";
      option.value = one.id;
      option.textContent = `${one.buyer_name} · ${one.item_title}${unread}`;
      return option;
    }));
  }
  if (next.conversation) {
    wanted = next.conversation.id;
    if (document.activeElement !== picker) picker.value = wanted;
  }
}

function showBuyer(conversation, before) {
  const list = el("buyer-chat");
  if (!conversation) { list.replaceChildren(hint("还没有会话")); return; }
  el("item-title").textContent = conversation.item_title;
  el("item-thumb").textContent = conversation.item_title.slice(0, 1);
  el("shop-name").textContent = "卖家：" + conversation.seller_name;
  el("red-reminder").hidden = !conversation.red_reminder;
  el("red-reminder").textContent = conversation.red_reminder;
  showDeal(conversation.order);
  if (JSON.stringify(conversation) !== JSON.stringify(before)) {
    const texts = new Map(conversation.messages.map((one) => [one.id, one.text]));
    const lines = conversation.messages.map((one) => buyerLine(one, conversation, texts));
    fill(list, withTimes(conversation.messages, lines), "说句话，看看鱼桥怎么回", before && before.id === conversation.id);
    const more = before && before.id === conversation.id && conversation.messages.length > before.messages.length;
    if (more && conversation.messages.at(-1).from !== "buyer") mark("show-buyer", "buyer");
  }
  readAll(conversation);
}

const STEPS = {
  place: "拍下", pay: "付款", close: "取消订单", receive: "确认收货",
  refund: "申请退款", withdraw: "撤销退款", rate: "评价",
};

function showDeal(order) {
  const about = order ? [order.status, order.specs, order.quantity > 1 && `×${order.quantity}`, `¥${order.amount}`] : ["还没有下单"];
  const shape = JSON.stringify(order);
  if (el("deal").dataset.shape === shape) return;
  el("deal").dataset.shape = shape;
  el("deal-words").textContent = about.filter(Boolean).join(" · ");
  el("deal-steps").replaceChildren(...(order ? order.can : ["place"]).map((step) => {
    const button = node("button", "", STEPS[step]);
    button.type = "button";
    button.dataset.step = step;
    return button;
  }));
}

const SCAN = {
  NEW: { words: "还没扫", can: ["scan", "cancel"] },
  SCANED: { words: "已扫，等手机上确认", can: ["confirm", "verify", "cancel"] },
  VERIFYING: { words: "等手机上完成人脸验证", can: ["pass", "cancel"] },
};

function showScan(qr) {
  el("scan").hidden = !qr;
  if (!qr) return;
  el("scan-state").textContent = SCAN[qr.state].words;
  for (const button of document.querySelectorAll("[data-scan]")) {
    button.hidden = !SCAN[qr.state].can.includes(button.dataset.scan);
  }
  const picker = el("scan-seller");
  const shape = JSON.stringify(qr.sellers);
  if (picker.dataset.shape !== shape) {
    picker.dataset.shape = shape;
    picker.replaceChildren(...qr.sellers.map((one) => {
      const option = node("option", "", one.name);
      option.value = one.user;
      return option;
    }));
  }
  if (qr.seller) picker.value = qr.seller;
  picker.disabled = qr.state !== "NEW";
}

function buyerLine(message, conversation, texts) {
  if (message.from === "platform") return node("li", "system", message.text);
  const own = message.from === "buyer";
  const line = node("li", own ? "line own" : "line");
  const name = own ? conversation.buyer_name : conversation.seller_name;
  const body = node("div", "body");
  const parts = message.pictures.map((picture) => ({ picture }));
  if (!parts.length) parts.push({ text: message.text });
  const shown = bubble(parts, message.quoted && (texts.get(message.quoted) || "一条消息"));
  if (message.kind === "recalled") { shown.textContent = "对方撤回了一条消息"; shown.classList.add("gone"); }
  body.append(shown);
  if (own) body.append(node("span", message.read ? "tick read" : "tick", message.read ? "已读" : "未读"));
  line.append(face(name), body);
  return line;
}

function showOperator(next, before) {
  if (before && JSON.stringify(next.qq) === JSON.stringify(before.qq)) return;
  const texts = new Map(next.qq.map((one) => [one.id, one.text || "[图片]"]));
  const lines = next.qq.map((one) => operatorLine(one, next, texts));
  fill(el("qq-chat"), withTimes(next.qq, lines), "鱼桥的通知会出现在这里", Boolean(before));
  const more = before && next.qq.length > before.qq.length;
  if (more && next.qq.at(-1).sender === next.bot_id) mark("show-operator", "operator");
}

function operatorLine(message, next, texts) {
  const own = message.sender !== next.bot_id;
  const line = node("li", own ? "line own" : "line");
  const shown = bubble(message.parts, message.quoted && (texts.get(message.quoted) || "一条消息"));
  shown.setAttribute("role", "button");
  shown.tabIndex = 0;
  shown.title = "点一下引用这条";
  shown.dataset.id = message.id;
  shown.classList.toggle("picked", quote === message.id);
  const pick = () => {
    if (String(window.getSelection())) return;
    setQuote(message.id, message.text || "[图片]");
  };
  shown.addEventListener("click", (event) => { if (!event.target.closest("a")) pick(); });
  shown.addEventListener("contextmenu", (event) => { if (narrow.matches) { event.preventDefault(); pick(); } });
  shown.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(); }
  });
  const body = node("div", "body");
  body.append(shown);
  line.append(face(own ? "我" : "鱼"), body);
  return line;
}

function bubble(parts, quoted) {
  const shown = node("div", "bubble");
  if (quoted) shown.append(node("span", "quoted", quoted));
  for (const part of parts) {
    if (part.picture) {
      const picture = document.createElement("img");
      picture.src = part.picture;
      picture.alt = "图片";
      shown.append(picture);
    } else {
      shown.append(linked(part.text));
    }
  }
  shown.classList.toggle("bare", !quoted && parts.length > 0 && parts.every((part) => part.picture));
  return shown;
}

function linked(words) {
  const span = node("span", "words");
  for (const part of words.split(/(https?:\/\/[^\s\u3000-\u303f\uff00-\uffef]+)/)) {
    if (/^https?:\/\//.test(part)) {
      const link = node("a", "", part);
      link.href = part;
      link.target = "_blank";
      link.rel = "noopener";
      span.append(link);
    } else {
      span.append(part);
    }
  }
  return span;
}

function withTimes(messages, lines) {
  const shown = [];
  let last = 0;
  messages.forEach((message, index) => {
    if (message.at - last > 5 * 60_000) {
      const time = new Date(message.at).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });
      shown.push(node("li", "when", time));
    }
    last = message.at;
    shown.push(lines[index]);
  });
  return shown;
}

function fill(list, lines, emptyWords, keepPlace) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.id;
  list.replaceChildren(...(lines.length ? lines : [hint(emptyWords)]));
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  if (atEnd || !keepPlace) {
    list.scrollTop = list.scrollHeight;
    for (const picture of list.querySelectorAll("img")) {
      picture.addEventListener("load", () => { list.scrollTop = list.scrollHeight; }, { once: true });
    }
  }
}

function node(tag, className, words) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (words !== undefined) made.textContent = words;
  return made;
}
const hint = (words) => node("li", "empty", words);
function face(name) {
  const made = node("span", "face", name.replace(/^买家/, "").slice(0, 1));
  made.setAttribute("aria-hidden", "true");
  return made;
}

function mark(button, side) {
  if (narrow.matches && stage.dataset.side !== side) el(button).querySelector("b").hidden = false;
}

function toast(words) {
  const box = el("toast");
  box.textContent = words;
  box.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.hidden = true; }, 4000);
}

/* --- the buyer --- */

function readAll(conversation) {
  const looking = document.visibilityState === "visible" && (!narrow.matches || stage.dataset.side === "buyer");
  const unread = conversation.messages.some((one) => one.from === "seller" && !one.read);
  if (!looking || !unread || reading || !el("auto-read").checked) return;
  reading = true;
  attempt(() => post("/read", { conversation: conversation.id })).finally(() => { reading = false; });
}

const say = (body) => attempt(() => post("/say", { conversation: wanted, ...body }));

el("buyer-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = el("buyer-text");
  const text = field.value.trim();
  if (text && await say({ text })) { field.value = ""; fit(field); }
});
el("buyer-text").addEventListener("input", () => {
  if (Date.now() - lastTyping < 3000 || !wanted) return;
  lastTyping = Date.now();
  post("/typing", { conversation: wanted }).catch(() => {});
});
el("conversation").addEventListener("change", (event) => {
  wanted = event.target.value;
  kept.set("conversation", wanted);
  event.target.blur();
  refresh();
});
document.querySelector(".xianyu .chips").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { say: words, image, place: how, burst, phone } = button.dataset;
  if (words) say({ text: words });
  if (image) say({ image: new URL(image, location.href).href });
  if (burst) say({ messages: [{ text: "第 {n} 句", repeat: Number(burst) }] });
  if (how) place({ [how]: true });
  if (phone) attempt(() => post("/phone", { conversation: wanted, text: phone }));
  button.closest("details")?.removeAttribute("open");
});
el("buyer-picture").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  await attempt(async () => {
    const answer = await fetch("/admin/pictures", {
      method: "POST", headers: { "Content-Type": file.type }, body: file,
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error || "沙盒没有接受这张图");
    await say({ image: told.url });
  });
});
const place = (wish) => attempt(() => post("/orders", { conversation: wanted, ...wish }));
el("deal").addEventListener("click", (event) => {
  const step = event.target.dataset.step;
  if (step === "place") place({});
  else if (step) attempt(() => post(`/orders/${state.conversation.order.id}/${step}`, {}));
});
el("scan").addEventListener("click", (event) => {
  const what = event.target.dataset.scan;
  if (what) attempt(() => post(`/qr/${state.qr.ck}/${what}`, { seller: el("scan-seller").value }));
});
el("auto-read").addEventListener("change", (event) => {
  kept.set("auto-read", event.target.checked ? "1" : "0");
  if (state && state.conversation) readAll(state.conversation);
});

/* --- the operator --- */

function setQuote(id, words) {
  const list = el("qq-chat");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  quote = id;
  el("quote-bar").hidden = id === null;
  el("quote-text").textContent = words || "";
  for (const one of document.querySelectorAll("#qq-chat .bubble")) {
    one.classList.toggle("picked", one.dataset.id === id);
  }
  if (atEnd) list.scrollTop = list.scrollHeight;
  if (id !== null) el("qq-text").focus();
}

const command = (body) => attempt(() => post("/qq/say", body));

el("qq-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = el("qq-text");
  const text = field.value.trim();
  if (text && await command({ text, quote })) {
    field.value = "";
    fit(field);
    setQuote(null);
  }
});
el("qq-picture").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  const reader = new FileReader();
  reader.addEventListener("load", async () => {
    const image = "base64://" + reader.result.split(",")[1];
    const field = el("qq-text");
    if (await command({ text: field.value.trim(), quote, image })) {
      field.value = "";
      fit(field);
      setQuote(null);
    }
  });
  reader.readAsDataURL(file);
});
el("quote-drop").addEventListener("click", () => setQuote(null));
document.querySelector(".qq .chips").addEventListener("click", async (event) => {
  const text = event.target.dataset.command;
  if (text && await command({ text, quote })) setQuote(null);
});

/* --- both --- */

function fit(field) {
  field.style.height = "auto";
  field.style.height = Math.min(field.scrollHeight + 2, 130) + "px";
}
for (const field of document.querySelectorAll("textarea")) {
  field.addEventListener("input", () => fit(field));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      field.form.requestSubmit();
    }
  });
}
function turnTo(side) {
  stage.dataset.side = side;
  kept.set("side", side);
  el("show-buyer").setAttribute("aria-pressed", String(side === "buyer"));
  el("show-operator").setAttribute("aria-pressed", String(side === "operator"));
  el(side === "buyer" ? "show-buyer" : "show-operator").querySelector("b").hidden = true;
  for (const id of ["buyer-chat", "qq-chat"]) el(id).scrollTop = el(id).scrollHeight;
  if (state && state.conversation) readAll(state.conversation);
}
el("show-buyer").addEventListener("click", () => turnTo("buyer"));
el("show-operator").addEventListener("click", () => turnTo("operator"));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
document.addEventListener("click", (event) => {
  const menu = document.querySelector("details.more");
  if (menu.open && !menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelector("details.more").open = false;
  setQuote(null);
});

el("auto-read").checked = kept.get("auto-read") !== "0";
turnTo(kept.get("side") === "operator" ? "operator" : "buyer");
listen();
