variable "name" {
  description = "First part of every name."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "namespace" {
  description = "Kubernetes namespace of the application."
  type        = string
}

variable "cluster_name" {
  description = "The cluster."
  type        = string
}

variable "oidc_issuer_url" {
  description = "Issuer of the cluster's service account tokens."
  type        = string
}

variable "oidc_provider_arn" {
  description = "IAM's provider for that issuer."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets of jobs."
  type        = list(string)
}

variable "jobs_security_group_id" {
  description = "Security group of jobs."
  type        = string
}

variable "nodes_security_group_id" {
  description = "Security group of the nodes, which the load balancer's controller opens for it."
  type        = string
}

variable "bucket_arns" {
  description = "Buckets by purpose: lake and artifacts are used."
  type        = map(string)
}

variable "data_key_arn" {
  description = "KMS key of lake, artifacts and features."
  type        = string
}

variable "repository_arns" {
  description = "Image repositories by image."
  type        = map(string)
}

variable "metric_namespace" {
  description = "CloudWatch namespace of the application's metrics."
  type        = string
}

variable "launch_policy_arn" {
  description = "Policy of those who may start training."
  type        = string
}

variable "score_policy_arn" {
  description = "Policy of those who may start batch transforms."
  type        = string
}

variable "ci_oidc" {
  description = "Issuer, audience and subjects of the CI service; null = no CI role."
  type        = object({ issuer_url = string, audience = string, subjects = set(string) })
}
