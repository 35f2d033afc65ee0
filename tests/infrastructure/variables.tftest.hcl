# Every variable refuses what it says it does not take. Run over variables.tf alone: no provider, no plan of resources.

variables {
  environment = "dev"
  owner       = "retail-forecast@example.com"
  expires_at  = "never"
}

run "region" {
  command = plan

  variables {
    region = "Singapore"
  }

  expect_failures = [var.region]
}

run "project" {
  command = plan

  variables {
    project = "Retail Forecast"
  }

  expect_failures = [var.project]
}

run "environment" {
  command = plan

  variables {
    environment = "test"
  }

  expect_failures = [var.environment]
}

run "owner" {
  command = plan

  variables {
    owner = "?"
  }

  expect_failures = [var.owner]
}

run "expires_at" {
  command = plan

  variables {
    expires_at = "soon"
  }

  expect_failures = [var.expires_at]
}

run "api_max_retries" {
  command = plan

  variables {
    api_max_retries = 0
  }

  expect_failures = [var.api_max_retries]
}

run "vpc_cidr" {
  command = plan

  variables {
    vpc_cidr = "10.0.0.0/24"
  }

  expect_failures = [var.vpc_cidr]
}

run "zones" {
  command = plan

  variables {
    zones = 1
  }

  expect_failures = [var.zones]
}

run "nat_gateways" {
  command = plan

  variables {
    nat_gateways = "none"
  }

  expect_failures = [var.nat_gateways]
}

run "interface_endpoints" {
  command = plan

  variables {
    interface_endpoints = ["s3"]
  }

  expect_failures = [var.interface_endpoints]
}

run "domain_name" {
  command = plan

  variables {
    domain_name = "no domain"
  }

  expect_failures = [var.domain_name]
}

run "hosted_zone_id" {
  command = plan

  variables {
    hosted_zone_id = "example.com"
  }

  expect_failures = [var.hosted_zone_id]
}

run "audit_lock_mode" {
  command = plan

  variables {
    audit_lock_mode = "NONE"
  }

  expect_failures = [var.audit_lock_mode]
}

run "audit_lock_days" {
  command = plan

  variables {
    audit_lock_days = 0
  }

  expect_failures = [var.audit_lock_days]
}

run "audit_retention_days" {
  command = plan

  variables {
    audit_retention_days = 30
  }

  expect_failures = [var.audit_retention_days]
}

run "key_deletion_days" {
  command = plan

  variables {
    key_deletion_days = 3
  }

  expect_failures = [var.key_deletion_days]
}

run "ci_oidc" {
  command = plan

  variables {
    ci_oidc = { issuer_url = "https://ci.example.com", audience = "sts.amazonaws.com", subjects = ["*"] }
  }

  expect_failures = [var.ci_oidc]
}

run "superseded_days" {
  command = plan

  variables {
    superseded_days = 0
  }

  expect_failures = [var.superseded_days]
}

run "raw_archive_days" {
  command = plan

  variables {
    raw_archive_days = 30
  }

  expect_failures = [var.raw_archive_days]
}

run "athena_scan_limit_gb" {
  command = plan

  variables {
    athena_scan_limit_gb = 0
  }

  expect_failures = [var.athena_scan_limit_gb]
}

run "etl_schedule" {
  command = plan

  variables {
    etl_schedule = "weekly"
  }

  expect_failures = [var.etl_schedule]
}

run "etl_workers" {
  command = plan

  variables {
    etl_workers = 1
  }

  expect_failures = [var.etl_workers]
}

run "training_instance_types" {
  command = plan

  variables {
    training_instance_types = ["m5.large"]
  }

  expect_failures = [var.training_instance_types]
}

run "training_max_hours" {
  command = plan

  variables {
    training_max_hours = 0
  }

  expect_failures = [var.training_max_hours]
}

run "images_kept" {
  command = plan

  variables {
    images_kept = 1
  }

  expect_failures = [var.images_kept]
}

run "kubernetes_version" {
  command = plan

  variables {
    kubernetes_version = "1.29"
  }

  expect_failures = [var.kubernetes_version]
}

run "cluster_public_cidrs" {
  command = plan

  variables {
    cluster_public_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.cluster_public_cidrs]
}

run "cluster_admin_arns" {
  command = plan

  variables {
    cluster_admin_arns = ["administrators"]
  }

  expect_failures = [var.cluster_admin_arns]
}

run "addon_versions" {
  command = plan

  variables {
    addon_versions = { "coredns" = "v1.13.2-eksbuild.1" }
  }

  expect_failures = [var.addon_versions]
}

run "serving_nodes" {
  command = plan

  variables {
    serving_nodes = { instance_types = ["t3.medium"], min = 3, desired = 2, max = 4 }
  }

  expect_failures = [var.serving_nodes]
}

run "job_nodes" {
  command = plan

  variables {
    job_nodes = { instance_types = ["m5.large"], max = 1 }
  }

  expect_failures = [var.job_nodes]
}

run "office_hours" {
  command = plan

  variables {
    office_hours = { start = "8:00", stop = "20:00", time_zone = "UTC" }
  }

  expect_failures = [var.office_hours]
}

run "log_retention_days" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "alert_emails" {
  command = plan

  variables {
    alert_emails = ["nobody"]
  }

  expect_failures = [var.alert_emails]
}

run "load_balancer" {
  command = plan

  variables {
    load_balancer = "arn:aws:elasticloadbalancing"
  }

  expect_failures = [var.load_balancer]
}

run "budget_usd_month" {
  command = plan

  variables {
    budget_usd_month = -1
  }

  expect_failures = [var.budget_usd_month]
}

run "billing_alarm" {
  command = plan

  variables {
    budget_usd_month = 0
    billing_alarm    = true
  }

  expect_failures = [var.billing_alarm]
}

run "release" {
  command = plan

  variables {
    release = "latest"
  }

  expect_failures = [var.release]
}
