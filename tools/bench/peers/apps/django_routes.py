"""The routes of the Django project, and its application."""

# mypy: ignore-errors
from django.contrib.auth import authenticate, login
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

application = get_wsgi_application()


@csrf_exempt
def sign_in(request):  # noqa: ANN001, ANN201
    """Log in with name and password."""
    user = authenticate(
        request, username=request.POST.get("username"), password=request.POST.get("password")
    )
    if user is None:
        return JsonResponse({"ok": False}, status=401)
    login(request, user)
    return JsonResponse({"ok": True})


urlpatterns = [
    path("login", sign_in),
    path("healthz", lambda _request: JsonResponse({"ok": True})),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
