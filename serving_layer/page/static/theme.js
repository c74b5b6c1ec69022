// Sets the theme that was chosen before anything is drawn; without a choice the system's counts.
(() => {
  try {
    const chosen = localStorage.getItem("millrace.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* storage may be forbidden */ }
})();
