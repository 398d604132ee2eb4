/* Asks the device for a passkey and sends what it answers with the form. Without it the six digits
   serve as well. ES2015. */
(function () {
  "use strict";
  var box = document.querySelector("[data-passkey]");
  if (!box || !window.isSecureContext || !window.PublicKeyCredential || !navigator.credentials
    || !window.fetch || !window.URLSearchParams || window.location.origin !== box.dataset.origin) { return; }
  var form = box.closest("form");
  var button = box.querySelector("button");
  var line = box.querySelector("[role=alert]");
  var waiting = false;
  var without = box.querySelector("[data-without]");
  if (without) { without.hidden = true; }
  box.querySelector("[data-with]").hidden = false;

  function bytes(text) {
    var plain = window.atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (one) { return one.charCodeAt(0); });
  }
  function text(buffer) {
    var plain = "";
    new Uint8Array(buffer).forEach(function (one) { plain += String.fromCharCode(one); });
    return window.btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  function read(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) { options.user.id = bytes(options.user.id); }
    ["allowCredentials", "excludeCredentials"].forEach(function (name) {
      if (!options[name]) { delete options[name]; return; }
      options[name].forEach(function (one) { one.id = bytes(one.id); });
    });
    return options;
  }
  function written(credential) {
    var response = {};
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (credential.response[name]) { response[name] = text(credential.response[name]); }
    });
    var id = text(credential.rawId);
    return JSON.stringify({ id: id, rawId: id, type: credential.type, response: response });
  }
  /* What else the form asks for comes first: a device is not asked in vain. */
  function isReady() {
    var wanted = form.querySelectorAll("input[required]:not([autocomplete=one-time-code])");
    return Array.prototype.every.call(wanted, function (input) {
      return !input.reportValidity || input.reportValidity();
    });
  }
  function failed(words) {
    waiting = false;
    button.disabled = false;
    line.hidden = false;
    line.textContent = words;
  }

  button.addEventListener("click", function () {
    if (waiting || !isReady()) { return; }
    waiting = true;
    button.disabled = true;
    line.hidden = true;
    var body = new URLSearchParams();
    body.append("csrf_token", form.querySelector("[name=csrf_token]").value);
    window.fetch(box.dataset.ask, { method: "POST", body: body, credentials: "same-origin", headers: { "X-Stay": "1" } }).then(function (answer) {
      var target = answer.headers.get("X-Go-To");
      if (target) { window.location.assign(target); return null; }
      if (!answer.ok) { throw new Error(); }
      return answer.json();
    }).then(function (options) {
      if (!options) { return null; }
      var wish = { publicKey: read(options) };
      var asked = box.dataset.make ? navigator.credentials.create(wish) : navigator.credentials.get(wish);
      return asked.then(function (credential) {
        form.querySelector("[name=" + box.dataset.into + "]").value = written(credential);
        HTMLFormElement.prototype.submit.call(form);
      }, function () { failed(box.dataset.failed); });
    }).catch(function () { failed(box.dataset.cut); });
  });
}());
